// The demo page: the widget, and nothing else.

import { mount } from "./widget.js";

// This file is at <server>/widget/page.js.
mount(document.querySelector("#uploader"), { endpoint: new URL("..", import.meta.url) });
