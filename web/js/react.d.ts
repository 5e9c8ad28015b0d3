// Kept by hand: <partway-uploader> in the JSX of React 19 and later. `import type {} from "partway/react"` anywhere in
// a project makes it known.

import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { PartwayUploader, PartwayUploaderAttributes, PartwayUploaderEventMap } from "./element.js";

/** React hands events of custom elements to props that are `on` and the event's name. */
type Handlers = {
  [Type in keyof PartwayUploaderEventMap as `on${Type}`]?: ((event: PartwayUploaderEventMap[Type]) => void) | undefined;
};

type Own = PartwayUploaderAttributes & Handlers;

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "partway-uploader": Own & Omit<DetailedHTMLProps<HTMLAttributes<PartwayUploader>, PartwayUploader>, keyof Own>;
    }
  }
}
