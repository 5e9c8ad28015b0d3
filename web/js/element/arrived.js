// What can be done with a file that has arrived: opened, downloaded, passed on by a link. Loaded with the first one, and offered only
// where the server lets its caller read.

import { allowedAt } from "../files/destinations.js";
import { downloadAll } from "../files/download.js";
import { sentenceOf } from "../files/errors.js";
import { icon } from "../files/icons.js";
import { wordingIn } from "../files/language.js";
import { copyLink } from "../files/link.js";
import { openInTab } from "../files/open.js";
import { Server } from "../files/server.js";
import { ACCESS } from "../options.js";
import { button } from "./dom.js";
import { icon as commonIcon } from "./icons.js";
import { languageOf } from "./locale.js";

// What browsers show by themselves.
const SHOWN = /^(image|video|audio|text)\/|^application\/pdf$/;
const ICONS = { open: "open", download: "download", copyLink: "link" };
// A server for each uploader, and what it allows by destination.
const known = new WeakMap();

// Resolves to the buttons for an upload. `voice`: `tell` what went wrong, and `say` what has worked.
export async function offersFor(host, uploader, { result: { key }, file, destination }, voice) {
  const { server, allowed } = knownOf(uploader);
  const name = destination ?? "";
  if (!allowed.has(name)) allowed.set(name, allowedAt(server, name).catch(() => []));
  if (!(await allowed.get(name)).includes("get")) return [];
  const wording = await wordingIn(languageOf(host), host.texts);
  const act = (action, refused, run) => {
    const onclick = () => run().catch((error) => voice.tell(`${wording.say(`${refused}Name`, file)} ${wording.say(sentenceOf(error))}`));
    const label = wording.say(`${action}Name`, file);
    return button("action", { "data-action": action, "aria-label": label, title: wording.say(action), onclick }, icon(ICONS[action]));
  };
  const offers = [
    act("download", "notDownloaded", async () => {
      const [failed] = await downloadAll(server, name, [key]);
      if (failed) throw failed.error;
    }),
    act("copyLink", "noLink", async () => {
      const { url, expiresAt, isCopied } = await copyLink(server, name, key);
      const date = wording.date(expiresAt);
      if (isCopied) celebrate(offers.at(-1), wording.say("linkCopied", { date }), voice);
      else voice.tell(`${wording.say("linkByHand", { date })} ${url}`);
    }),
  ];
  return SHOWN.test(file.type) ? [act("open", "notOpened", () => openInTab(server, name, key)), ...offers] : offers;
}

// Where somebody is looking, and for those who hear.
function celebrate(node, sentence, { say }) {
  const { title } = node;
  say(sentence);
  node.title = sentence;
  node.replaceChildren(commonIcon("check"));
  setTimeout(() => {
    node.title = title;
    node.replaceChildren(icon(ICONS.copyLink));
  }, 1500);
}

function knownOf(uploader) {
  if (!known.has(uploader)) known.set(uploader, { server: new Server(uploader[ACCESS]), allowed: new Map() });
  return known.get(uploader);
}
