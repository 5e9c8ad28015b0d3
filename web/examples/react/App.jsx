import { useState } from "react";
import "partway/element";

// React 19 hands events of custom elements to props that are `on` and the event's name.
export function App() {
  const [keys, setKeys] = useState([]);
  const add = ({ detail }) => setKeys((before) => [...before, detail.result.key]);
  return (
    <>
      <partway-uploader endpoint="http://127.0.0.1:8080" max-size="10 GB" onfile-completed={add} />
      <ul>
        {keys.map((key) => (
          <li key={key}>{key}</li>
        ))}
      </ul>
    </>
  );
}
