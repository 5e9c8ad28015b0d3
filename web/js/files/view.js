// What is in the element's shadow: a folder and what can be done with what is in it, in one language. It begins with a question to the
// server, and keeps what has come.

import { button, focused, make, setAttribute, setHidden, setText } from "../element/dom.js";
import { Notices } from "../element/notices.js";
import { Throttle } from "../throttle.js";
import { Deletions } from "./deletions.js";
import { allowedAt } from "./destinations.js";
import { sentenceOf } from "./errors.js";
import { Foot } from "./foot.js";
import { Grid } from "./grid.js";
import { icon } from "./icons.js";
import { isPicture } from "./kinds.js";
import { Listing } from "./listing.js";
import { Path, parentOf } from "./path.js";
import { Rows } from "./rows.js";
import { Saving } from "./saving.js";
import { Selection } from "./selection.js";
import { STATES } from "./stage.js";
import { Toast } from "./toast.js";
import { UndoBar } from "./undo.js";

// The operation that an action needs.
const NEEDS = { download: "get", save: "get", copyLink: "get", delete: "delete" };
// Milliseconds in which somebody types on.
const TYPING = 120;
// Bytes of the largest image that is fetched for a picture of some pixels.
const LARGEST_PICTURE = 5e6;
// Milliseconds between two changes of the rows while many are loaded.
const SETTLING_INTERVAL = 250;
// Milliseconds between two sentences for a screen reader.
const SPEECH_PAUSE = 400;

export class View {
  #host;
  #wording;
  #server;
  #saving;
  #tell;
  #ended = new AbortController();
  #allowed = [];
  // Whether the destination takes questions at all.
  #isForbidden = false;
  #root;
  #rows = new Rows();
  #selection = new Selection();
  #listing;
  // The one that takes its place as soon as something of it is here, and what belongs to it.
  #coming;
  #deletions;
  #previews;
  #notices;
  #path;
  #grid;
  #foot;
  #undo;
  #toast = new Toast();
  #panel;
  // `failed`, or nothing.
  #state;
  #stage = make("div", "state");
  #frame;
  #filter;
  #filtering;
  #refreshButton;
  #live = make("div", "live hidden", { role: "status" });
  #speaking;
  #settling = new Throttle(() => {
    this.#settle();
    this.#draw();
  }, SETTLING_INTERVAL);

  // `tell` tells the page of an event, and whether nobody has objected.
  constructor(host, wording, server, saving, tell) {
    this.#host = host;
    this.#wording = wording;
    this.#server = server;
    this.#saving = saving;
    this.#tell = tell;
    const { signal } = this.#ended;
    this.#notices = new Notices(wording);
    this.#path = new Path(wording, (prefix) => this.#enter(prefix));
    this.#grid = new Grid(wording, this.#rows, this.#selection, {
      onOpen: ({ key }) => this.#enter(key),
      onParent: () => this.#leave(),
      onAct: (action, entries) => this.#act(action, entries),
      onSelect: () => this.#selected(),
      onSort: (column) => this.#sort(column),
      onFilter: () => this.#filter.focus(),
      onNear: () => this.#loadMore(),
      onSeen: (entry, row) => this.#picture(entry, row),
      onEmptied: () => this.#refreshButton.focus(),
    });
    this.#foot = new Foot(wording, {
      onAct: (action) => this.#act(action, this.#selection.files),
      onClear: () => this.#clear(),
      onStop: () => this.#listing?.stop(),
      onMore: () => this.#loadRest(),
      onEmptied: () => this.#focusRows(),
    });
    const destination = host.destination;
    this.#deletions = new Deletions(
      server,
      destination,
      {
        onHeld: (held) => this.#undo?.draw(held),
        onUndone: (entries) => this.#bringBack(entries, wording.say("undone")),
        onEnded: (deleted, failed) => this.#deleted(deleted, failed),
      },
      signal,
    );
    this.#undo = new UndoBar(wording, () => this.#deletions, () => this.#focusRows());
    this.node = this.#build();
    if (saving.isLoaded) this.#openPanel().catch(() => {});
    addEventListener("online", () => this.#state === "failed" && this.start(), { signal });
  }

  // The prefix that is shown, or about to be.
  get prefix() {
    return this.#coming?.prefix ?? this.#listing?.prefix;
  }

  // All that can be shown begins with it.
  get root() {
    return this.#root;
  }

  get allowed() {
    return [...this.#allowed];
  }

  get selected() {
    return this.#selection.files.map(objectOf);
  }

  // Asks what is allowed, and lists the root, or the folder where another view has been.
  async start({ root, prefix } = {}) {
    const { signal } = this.#ended;
    this.#root = root;
    this.#isForbidden = false;
    const asked = allowedAt(this.#server, this.#host.destination, signal).then(
      (allowed) => {
        this.#allowed = allowed;
        this.#isForbidden = !allowed.includes("list");
        this.#grid.actions = this.#actions;
      },
      (error) => error,
    );
    const opened = this.open(prefix ?? (this.#host.prefix || undefined));
    const error = await asked;
    if (signal.aborted) return;
    if (this.#isForbidden) this.#stop();
    await opened;
    if (error && this.#state !== "failed") {
      this.#report(error);
      this.#fail(error);
    }
    this.#draw();
    this.#offerInterrupted();
  }

  // Resolves when the first page is there, or cannot be had.
  async open(prefix, { from, isRefresh = false, focus = this.#grid.hasFocus } = {}) {
    this.#coming?.listing.close();
    const coming = { prefix, from, isRefresh, focus, atLeast: isRefresh ? this.#rows.length : 1 };
    coming.listing = new Listing(this.#server, this.#host.destination, prefix, (folders, files) => this.#take(coming, folders, files));
    this.#coming = coming;
    this.#draw();
    await coming.listing.more();
    this.#draw();
  }

  async refresh() {
    const prefix = this.#listing?.prefix;
    if (this.#isForbidden || prefix === undefined) return this.start();
    return this.open(prefix, { isRefresh: this.#state !== "failed" });
  }

  focus() {
    this.#focusRows();
  }

  close() {
    this.#ended.abort();
    this.#coming?.listing.close();
    this.#listing?.close();
    this.#grid.close();
    this.#panel?.close();
    clearTimeout(this.#filtering);
    clearTimeout(this.#speaking);
    this.#settling.cancel();
    this.#toast.close();
  }

  #build() {
    const wording = this.#wording;
    const refresh = wording.say("refresh");
    const filter = wording.say("filter");
    this.#refreshButton = button("action", { "data-command": "refresh", "aria-label": refresh, title: refresh, onclick: () => this.refresh() }, icon("refresh"));
    this.#filter = make("input", "filter-input", {
      type: "search",
      "aria-label": filter,
      placeholder: filter,
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => this.#filterSoon(),
      onkeydown: (event) => this.#pressInFilter(event),
    });
    const toolbar = make("div", "toolbar", {}, this.#path.node, make("div", "filter", {}, icon("search"), this.#filter), this.#refreshButton);
    const middle = make("div", "stage", {}, this.#grid.node, this.#stage, this.#toast.node, this.#undo.node);
    const onkeydown = (event) => this.#press(event);
    this.#frame = make("section", "files", { "aria-label": wording.say("label"), onkeydown }, toolbar, middle, this.#foot.node);
    return make("div", "root", { lang: wording.tag, dir: wording.direction === "rtl" && "rtl" }, this.#notices.node, this.#frame, this.#live);
  }

  get #actions() {
    const can = (action) => action !== "save" || Saving.isPossible;
    return Object.keys(NEEDS).filter((action) => this.#allowed.includes(NEEDS[action]) && can(action));
  }

  // Going somewhere.

  // By a click or a key, so the focus goes along.
  #enter(prefix, from) {
    this.open(prefix, { from, focus: true });
  }

  #leave() {
    const prefix = this.#listing?.prefix;
    const parent = this.#root === undefined || prefix === undefined ? undefined : parentOf(this.#root, prefix);
    if (parent !== undefined) this.#enter(parent, prefix);
  }

  // A page has come, or none: of what is shown, or of what is to be shown in its place.
  #take(coming, folders, files) {
    const { listing } = coming;
    if (coming === this.#coming) {
      // A list that was long stays as long, so that nobody loses their place.
      if (coming.isRefresh && !listing.error && !listing.isComplete && listing.count < coming.atLeast) {
        listing.more();
        return;
      }
      this.#swap(coming);
    } else if (listing === this.#listing) {
      if (listing.error) this.#report(listing.error);
      this.#rows.add(folders, files);
      // Of many pages in a row, each costs as much as all before it.
      if (listing.isComplete || listing.error || !this.#rows.needsAll) this.#settle();
      else this.#settling.schedule();
    }
    this.#draw();
  }

  #swap({ listing, prefix, from, isRefresh, focus }) {
    this.#coming = undefined;
    if (listing.error) this.#report(listing.error);
    if (isRefresh && listing.error) {
      this.#notices.show([this.#wording.say(sentenceOf(listing.error))]);
      return;
    }
    this.#listing?.close();
    this.#listing = listing;
    if (listing.error) this.#fail(listing.error, () => (this.#allowed.length > 0 ? this.open(prefix, { from, focus: true }) : this.start({ root: this.#root, prefix })));
    else this.#state = undefined;
    if (listing.prefix !== undefined) this.#root ??= this.#host.prefix || listing.prefix;
    if (isRefresh) {
      this.#grid.keep(() => this.#rows.rebuild(listing));
      this.#keepSelection();
      if (this.#rows.needsAll) this.#loadRest();
      return;
    }
    this.#notices.clear();
    this.#filter.value = "";
    this.#selection.clear();
    this.#rows.filter("", listing);
    this.#grid.reset();
    if (listing.error) return;
    this.#draw();
    this.#speak(this.#foot.counts(listing, this.#rows) || this.#wording.say(this.#isRoot ? "empty" : "emptyFolder"));
    this.#tell("open", { prefix: listing.prefix });
    if (focus) this.#focusRows(from);
    if (this.#rows.needsAll) this.#loadRest();
  }

  #settle() {
    this.#settling.cancel();
    this.#grid.keep(() => this.#rows.settle());
  }

  get #isRoot() {
    return this.#listing?.prefix === this.#root;
  }

  #focusRows(key) {
    if (this.#rows.length > 0) this.#grid.focus(key);
    else (this.#stage.querySelector("button") ?? this.#refreshButton).focus();
  }

  // Loading.

  // What is asked for by the way: the next page, as long as that is enough.
  #loadMore() {
    const listing = this.#listing;
    if (!listing || listing.isComplete || listing.isLoading || listing.error) return;
    if (this.#rows.needsAll) return;
    listing.more().then(() => this.#draw());
    this.#drawFoot();
  }

  #loadRest() {
    const listing = this.#listing;
    if (!listing || listing.isComplete) return;
    if (this.#rows.needsAll) listing.rest().then(() => this.#draw());
    else listing.more().then(() => this.#draw());
    this.#draw();
  }

  #sort(column) {
    const { by, isDown } = this.#rows.order;
    // What one looks for is the latest or the largest.
    const order = { by: column, isDown: column === by ? !isDown : column !== "name" };
    this.#grid.keep(() => this.#rows.sort(order, this.#listing));
    const text = this.#wording.say(order.isDown ? "sortedDown" : "sortedUp", { column: this.#wording.say(column) });
    this.#speak(text);
    if (this.#rows.needsAll) this.#loadRest();
    this.#draw();
  }

  #filterSoon() {
    clearTimeout(this.#filtering);
    this.#filtering = setTimeout(() => this.#filterNow(), TYPING);
  }

  #filterNow() {
    if (!this.#listing || this.#state) return;
    this.#rows.filter(this.#filter.value, this.#listing);
    this.#grid.reset();
    this.#keepSelection();
    if (this.#rows.needsAll) this.#loadRest();
    this.#draw();
    this.#speak(this.#foot.counts(this.#listing, this.#rows));
  }

  #pressInFilter(event) {
    if (event.key === "ArrowDown" && this.#rows.length > 0) this.#grid.focus();
    else if (event.key === "Escape" && this.#filter.value !== "") {
      this.#filter.value = "";
      this.#filterNow();
    } else return;
    event.preventDefault();
  }

  // Acting.

  #press(event) {
    const isUndo = (event.ctrlKey || event.metaKey) && event.key === "z" && !event.target.matches("input");
    if (!isUndo || this.#deletions.held.length === 0) return;
    event.preventDefault();
    this.#deletions.undo();
  }

  #selected() {
    this.#draw();
    const { count } = this.#selection;
    this.#speak(this.#wording.say("selectedCount", { count }));
    this.#tell("select", { objects: this.selected });
  }

  // What is no longer to be seen is not selected.
  #keepSelection() {
    const { count } = this.#selection;
    this.#selection.keep(this.#rows);
    if (this.#selection.count !== count) this.#tell("select", { objects: this.selected });
  }

  #clear() {
    this.#selection.clear();
    this.#selected();
    this.#focusRows();
  }

  #act(action, entries) {
    if (entries.length === 0 || !this.#actions.includes(action)) return;
    this.#notices.clear();
    if (action === "download") this.#download(entries);
    else if (action === "save") this.#save(entries[0]);
    else if (action === "copyLink") this.#copyLink(entries[0]);
    else this.#delete(entries);
  }

  async #download(entries) {
    if (!this.#tell("download", { objects: entries.map(objectOf) }, true)) return;
    this.#speak(this.#wording.say("downloadCount", { count: entries.length }));
    try {
      const { downloadAll } = await import("./download.js");
      const keys = entries.map(({ key }) => key);
      const failed = await downloadAll(this.#server, this.#host.destination, keys, this.#ended.signal);
      const entryOf = (key) => entries.find((entry) => entry.key === key);
      this.#refuse("notDownloaded", failed.map(({ key, error }) => ({ entry: entryOf(key), error })));
    } catch (error) {
      this.#refuse("notDownloaded", entries.map((entry) => ({ entry, error })));
    }
  }

  async #save(entry) {
    const object = objectOf(entry);
    if (!this.#tell("save", { object }, true)) return;
    try {
      // At once, as long as the click counts for which the browser shows it.
      const choosing = globalThis.showSaveFilePicker({ suggestedName: entry.name });
      const opening = this.#openPanel();
      opening.catch(() => {});
      const handle = await choosing;
      (await opening).begin(object, this.#destination, handle);
    } catch (error) {
      // Nothing was chosen.
      if (error.name === "AbortError") return;
      // A frame of another origin's page may not let anybody choose.
      if (error.name === "SecurityError") this.#download([entry]);
      else this.#refuse("notSaved", [{ entry, error }]);
    }
  }

  // Resolves to the Saves. What they are shown in is here from the first one on.
  async #openPanel() {
    const { saves, SavesPanel } = await this.#saving.load();
    if (this.#panel || this.#ended.signal.aborted) return saves;
    this.#panel = new SavesPanel(this.#host.shadowRoot, this.#wording, saves, {
      say: (sentence) => this.#speak(sentence),
      onEmptied: () => this.#focusRows(),
    });
    this.#frame.append(this.#panel.node);
    return saves;
  }

  // What an earlier page has left of what can be shown here.
  async #offerInterrupted() {
    const { signal } = this.#ended;
    if (this.#isForbidden || this.#state === "failed" || !this.#actions.includes("save")) return;
    const [destination, root] = [this.#destination, this.#root ?? ""];
    const isOurs = (object) => object.destination === destination && object.key.startsWith(root);
    try {
      const isLeft = await this.#saving.hasInterrupted(isOurs);
      if (signal.aborted || (!isLeft && !this.#saving.isLoaded)) return;
      const saves = await this.#openPanel();
      if (isLeft) await saves.offer(isOurs);
      else saves.withdraw();
    } catch (error) {
      // Nobody has asked for it.
      if (!signal.aborted) this.#report(error);
    }
  }

  // As the server takes it: none is its default.
  get #destination() {
    return this.#host.destination || undefined;
  }

  async #copyLink(entry) {
    const wording = this.#wording;
    try {
      const { copyLink } = await import("./link.js");
      const { url, expiresAt, isCopied } = await copyLink(this.#server, this.#host.destination, entry.key);
      const date = wording.date(expiresAt);
      this.#tell("link", { object: objectOf(entry), url, expiresAt });
      if (isCopied) this.#celebrate(wording.say("linkCopied", { date }));
      else this.#hand(wording.say("linkByHand", { date }), url);
    } catch (error) {
      this.#refuse("noLink", [{ entry, error }]);
    }
  }

  #celebrate(sentence) {
    this.#toast.show(sentence);
    this.#speak(sentence);
  }

  // A link that somebody has to copy.
  #hand(sentence, url) {
    this.#notices.show([sentence]);
    const input = make("input", "link", { readonly: true, value: url, "aria-label": sentence });
    this.#notices.node.querySelector(".notice-text").append(input);
    input.focus();
    input.select();
  }

  #delete(entries) {
    const keys = new Set(entries.map(({ key }) => key));
    this.#grid.keep(() => this.#rows.hide(keys, this.#listing));
    this.#keepSelection();
    this.#toast.close();
    this.#deletions.hold(entries);
    this.#draw();
    this.#speak(`${this.#undo.text} (${this.#wording.say("undo")}: Ctrl+Z)`);
  }

  // Rows that were hidden.
  #bringBack(entries, sentence) {
    const keys = entries.map(({ key }) => key);
    if (this.#listing) this.#grid.keep(() => this.#rows.reveal(keys, this.#listing));
    if (sentence) this.#speak(sentence);
    this.#draw();
  }

  #deleted(deleted, failed) {
    const keys = new Set(deleted.map(({ key }) => key));
    this.#listing?.remove(keys);
    this.#bringBack([...deleted, ...failed.map(({ entry }) => entry)]);
    this.#refuse("notDeleted", failed);
    if (deleted.length === 0) return;
    this.#celebrate(this.#wording.say("deletedCount", { count: deleted.length }));
    this.#tell("delete", { objects: deleted.map(objectOf) });
  }

  // What did not work, in a sentence for each reason. `key` is the beginning of the text's.
  #refuse(key, failed) {
    const ours = failed.filter(({ error }) => error.code !== "cancelled");
    if (ours.length === 0) return;
    const reasons = new Map();
    for (const { entry, error } of ours) {
      const sentence = sentenceOf(error);
      reasons.set(sentence, [...(reasons.get(sentence) ?? []), entry]);
      this.#report(error, objectOf(entry));
    }
    const sentences = [...reasons].map(([sentence, entries]) => {
      const [{ name }] = entries;
      const what = this.#wording.say(`${key}${entries.length === 1 ? "Name" : "Count"}`, { count: entries.length, name });
      return `${what} ${this.#wording.say(sentence)}`;
    });
    this.#notices.show(sentences.slice(0, 3));
  }

  #report(error, object) {
    this.#tell("error", object ? { error, object } : { error });
  }

  async #picture(entry, row) {
    if (!this.#allowed.includes("get") || entry.size > LARGEST_PICTURE || entry.size === 0 || !isPicture(entry.name)) return;
    if (navigator.connection?.saveData) return;
    const { Previews } = await import("./previews.js");
    this.#previews ??= new Previews(this.#server, this.#host.destination, this.#ended.signal);
    this.#previews.want(entry, () => row.node.isConnected, (picture) => {
      row.picture = picture;
    });
  }

  // Drawing.

  #fail(error, onRetry = () => this.start()) {
    if (error.code === "cancelled") return;
    this.#isForbidden ||= error.code === "operation_not_allowed";
    if (this.#isForbidden) return;
    this.#state = "failed";
    const sentence = sentenceOf(error);
    this.#show("failed", { sentence, onRetry }, sentence);
  }

  #stop() {
    this.#coming?.listing.close();
    this.#coming = undefined;
    this.#listing?.close();
  }

  // What stands in the place of rows, if it is not there already.
  #show(state, values, version = "") {
    const shown = `${state} ${version}`;
    setHidden(this.#stage, state === undefined);
    if (this.#stage.dataset.shown === shown) return;
    this.#stage.dataset.shown = shown;
    setAttribute(this.#stage, "data-state", state ?? "none");
    const had = this.#stage.contains(focused(this.#stage));
    this.#stage.replaceChildren(...(state ? STATES[state]({ wording: this.#wording, ...values }) : []));
    if (had) this.#focusRows();
    if (state === "failed" || state === "forbidden") this.#speak(this.#stage.querySelector("p").textContent);
  }

  #draw() {
    const listing = this.#listing;
    const rows = this.#rows;
    const prefix = this.#coming?.prefix ?? listing?.prefix;
    const isBusy = this.#coming !== undefined || listing?.isLoading === true;
    setAttribute(this.#frame, "aria-busy", String(isBusy));
    this.#frame.toggleAttribute("data-coming", this.#coming !== undefined && !this.#coming.isRefresh);
    this.#refreshButton.toggleAttribute("data-busy", isBusy);
    this.#stage.toggleAttribute("data-busy", isBusy);
    const root = this.#root ?? this.#host.prefix;
    this.#path.draw(root, this.#isForbidden || prefix === undefined || !prefix.startsWith(root) ? root : prefix);
    const hasRows = rows.length > 0 && !this.#isForbidden && this.#state !== "failed";
    const wasHidden = this.#grid.node.hidden;
    setHidden(this.#grid.node, !hasRows);
    if (this.#isForbidden) this.#show("forbidden");
    // What failed stays to be read until something has come.
    else if (this.#state === "failed") setHidden(this.#stage, false);
    else if (!listing) this.#show("loading");
    else if (rows.length > 0) this.#show(undefined);
    else if (rows.needle !== "") this.#show("unmatched", { text: this.#filter.value.trim(), isComplete: listing.isComplete }, `${rows.needle} ${listing.isComplete}`);
    else if (!listing.isComplete) {
      this.#show("loading");
      this.#loadMore();
    } else this.#show("empty", { isRoot: this.#isRoot }, String(this.#isRoot));
    if (hasRows) this.#grid.draw();
    if (hasRows && wasHidden) this.#grid.measure();
    this.#grid.isComplete = listing?.isComplete === true;
    setHidden(this.#filter.parentNode, this.#isForbidden || this.#state === "failed" || !listing || (listing.count === 0 && listing.isComplete));
    setHidden(this.#refreshButton, this.#isForbidden);
    this.#drawFoot();
  }

  #drawFoot() {
    const isNothing = this.#isForbidden || this.#state === "failed";
    const listing = isNothing ? undefined : this.#listing;
    const problem = listing?.error && this.#wording.say(sentenceOf(listing.error));
    this.#foot.draw({ listing, rows: this.#rows, selection: this.#selection, actions: this.#actions, problem });
  }

  // To a screen reader: the last of several sentences of a moment.
  #speak(sentence) {
    clearTimeout(this.#speaking);
    this.#speaking = setTimeout(() => setText(this.#live, sentence), SPEECH_PAUSE);
  }
}

// As pages know it.
function objectOf({ key, name, size, etag, last_modified: modified, storage_class: storageClass }) {
  return { key, name, size, etag, lastModified: modified === undefined ? undefined : new Date(modified), storageClass };
}
