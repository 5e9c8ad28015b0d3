// Kept by hand: <partway-uploader> and <partway-files> in the JSX of React 19 and later. `import type {} from "partway/react"` anywhere
// in a project makes them known.

import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { PartwayUploader, PartwayUploaderAttributes, PartwayUploaderEventMap } from "./element.js";
import type { PartwayFiles, PartwayFilesAttributes, PartwayFilesEventMap } from "./files.js";

/** React hands events of custom elements to props that are `on` and the event's name. */
type Handlers<Events> = {
  [Type in keyof Events & string as `on${Type}`]?: ((event: Events[Type]) => void) | undefined;
};

type Props<Element, Own> = Own & Omit<DetailedHTMLProps<HTMLAttributes<Element>, Element>, keyof Own>;

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "partway-uploader": Props<PartwayUploader, PartwayUploaderAttributes & Handlers<PartwayUploaderEventMap>>;
      "partway-files": Props<PartwayFiles, PartwayFilesAttributes & Handlers<PartwayFilesEventMap>>;
    }
  }
}
