// The element in React's JSX: each `@ts-expect-error` is a mistake that the compiler has to notice.

import { useRef } from "react";
import type { PartwayUploader } from "partway/element";
import type {} from "partway/react";

export function Form() {
  const element = useRef<PartwayUploader>(null);
  return (
    <form>
      <partway-uploader
        ref={element}
        className="wide"
        endpoint="https://uploads.example"
        max-size="10 GB"
        max-files={3}
        drop-anywhere
        required
        onfile-completed={({ detail }) => console.log(detail.result.key, detail.upload.id)}
        onprogress={({ detail }) => console.log(detail.progress.active)}
      />
      <partway-files
        endpoint="https://uploads.example"
        prefix="photos/"
        onopen={({ detail }) => console.log(detail.prefix)}
        ondelete={({ detail }) => console.log(detail.objects.length)}
      />
      {/* @ts-expect-error There is no such attribute. */}
      <partway-files folder="photos/" />
      {/* @ts-expect-error There is no such attribute. */}
      <partway-uploader endpont="https://uploads.example" />
      {/* @ts-expect-error It starts in one of two ways. */}
      <partway-uploader start="later" />
      {/* @ts-expect-error A refusal has no result. */}
      <partway-uploader onfile-refused={({ detail }) => console.log(detail.result)} />
      <button onClick={() => element.current?.choose()}>Choose</button>
    </form>
  );
}
