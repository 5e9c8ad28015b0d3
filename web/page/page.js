// The demo page: the widget, and nothing else.

import { mount } from "./widget.js";

// This file is at <server>/widget/page.js.
const { uploader } = mount(document.querySelector("#uploader"), { endpoint: new URL("..", import.meta.url) });

// Whoever opens this page is about to upload something. A failure is told when
// they do.
uploader.load().catch(() => {});
