// What pages do beyond showing: keep up to date, ask before what cannot be undone, choose rows, obey keys.
// Everything can be read without it. No page has a script of its own within.
"use strict";

const root = document.documentElement;
const say = document.getElementById("say");
const kept = {
  get(name) { try { return localStorage.getItem(`offsider.${name}`); } catch { return null; } },
  set(name, value) { try { localStorage.setItem(`offsider.${name}`, value); } catch { /* kept for this page only */ } },
};

// -- numbers and times in the reader's language ---------------------------------------------------------------------

const numbers = new Intl.NumberFormat(root.lang);
const times = new Intl.DateTimeFormat(root.lang, { dateStyle: "medium", timeStyle: "medium" });
const spans = new Intl.RelativeTimeFormat(root.lang, { style: "narrow", numeric: "always" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function relative(seconds) {
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS[3];
  return spans.format(Math.trunc(seconds / size), unit);
}

function tellTimes() {
  for (const element of document.querySelectorAll("time[data-when]")) {
    const at = Number(element.dataset.when);
    put(element, relative(at - Date.now() / 1000));
  }
}

// A time is typed by the reader's own clock; without scripts it is UTC, as the page says.
function tellZone() {
  for (const field of document.querySelectorAll('input[type="datetime-local"][data-at]:not([data-js])')) {
    field.dataset.js = "";
    const at = new Date(Number(field.dataset.at) * 1000);
    field.value = new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
    put(field.form.querySelector("[data-zone]"), Intl.DateTimeFormat().resolvedOptions().timeZone);
  }
}

document.addEventListener("submit", (event) => {
  const field = event.target.querySelector('input[type="datetime-local"][data-at]');
  if (field) field.form.elements.offset.value = -new Date(field.value).getTimezoneOffset();
}, true);

function refresh() {
  for (const element of document.querySelectorAll("data[value]")) put(element, numbers.format(Number(element.value)));
  for (const element of document.querySelectorAll("time[data-when]")) {
    element.title = times.format(new Date(Number(element.dataset.when) * 1000));
  }
  tellTimes();
  tellZone();
  tellChosen();
  mark();
}

// -- live -------------------------------------------------------------------------------------------------------------

const liveButton = document.getElementById("live-toggle");
const poll = Math.max(1, Number(root.dataset.poll) || 5);
let fetching = false;

function isLive() {
  return kept.get("live") !== "off";
}

function mayUpdate() {
  const selection = getSelection();
  const open = document.querySelector("dialog[open], details.menu[open]");
  return !document.hidden && !fetching && !open && (!selection || selection.isCollapsed || !selection.toString());
}

// A page may say what to ask for next: where a job is now, so that it is not searched for everywhere.
async function update() {
  const live = document.querySelector("#live[data-live]");
  if (!live || !isLive() || !mayUpdate()) return;
  fetching = true;
  try {
    await htmx.ajax("GET", live.dataset.live || location.pathname + location.search, { target: "#live", select: "#live", swap: "outerMorph" });
  } finally {
    fetching = false;
  }
}

function showLive() {
  liveButton.hidden = !document.querySelector("#live[data-live]");
  liveButton.setAttribute("aria-pressed", String(isLive()));
}

function online(well) {
  if (well) delete root.dataset.offline;
  else root.dataset.offline = "";
  put(say, well ? "" : say.dataset.offline);
}

document.addEventListener("htmx:before:swap", (event) => {
  const status = event.detail.ctx?.response?.status ?? 200;
  online(status < 500);
  // An answer that is no page of ours (signed out, a proxy's error) never takes the place of what is shown.
  if (!event.detail.ctx?.text?.includes('id="live"')) event.preventDefault();
});
document.addEventListener("htmx:error", () => online(false));
document.addEventListener("htmx:after:swap", () => {
  showLive();
  refresh();
});
document.addEventListener("visibilitychange", update);
liveButton.addEventListener("click", () => {
  kept.set("live", isLive() ? "off" : "on");
  showLive();
  update();
});

// -- light and dark ---------------------------------------------------------------------------------------------------

const themeButton = document.getElementById("theme-toggle");
function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}
themeButton.hidden = false;
themeButton.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  kept.set("theme", root.dataset.theme);
  document.dispatchEvent(new Event("offsider:theme"));
});

// -- choosing rows ----------------------------------------------------------------------------------------------------

let lastChosen = null;

function boxes() {
  return [...document.querySelectorAll('tbody input[type="checkbox"][name="jid"]')];
}

function tellChosen() {
  const all = boxes();
  const chosen = all.filter((box) => box.checked);
  for (const box of all) box.closest("tr").toggleAttribute("aria-selected", false);
  for (const box of chosen) box.closest("tr").setAttribute("aria-selected", "true");
  for (const element of document.querySelectorAll("[data-picked]")) {
    element.dataset.none ??= element.textContent;
    const text = element.dataset.picked.replace("#", numbers.format(chosen.length));
    put(element, chosen.length ? text : element.dataset.none);
  }
  for (const button of document.querySelectorAll("[data-needs-pick]")) button.disabled = !chosen.length;
  const whole = document.getElementById("pick-all");
  if (whole) {
    whole.checked = all.length > 0 && chosen.length === all.length;
    whole.indeterminate = chosen.length > 0 && chosen.length < all.length;
  }
}

document.addEventListener("click", (event) => {
  const box = event.target;
  if (!(box instanceof HTMLInputElement) || box.type !== "checkbox") return;
  const all = boxes();
  if (box.id === "pick-all") for (const one of all) one.checked = box.checked;
  else if (event.shiftKey && all.includes(lastChosen)) {
    const [from, to] = [all.indexOf(lastChosen), all.indexOf(box)].sort((a, b) => a - b);
    for (const one of all.slice(from, to + 1)) one.checked = box.checked;
  }
  if (box.name === "jid") lastChosen = box;
  tellChosen();
});

// -- asking before what cannot be undone -----------------------------------------------------------------------------

const ask = document.getElementById("ask");
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button?.dataset.ask || button.dataset.sure) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  put(document.getElementById("ask-text"), button.dataset.ask.replace("#", numbers.format(boxes().filter((one) => one.checked).length)));
  put(document.getElementById("ask-yes"), button.textContent.trim());
  ask.returnValue = "no";
  ask.showModal();
  ask.onclose = () => {
    if (ask.returnValue !== "yes") return button.focus();
    button.dataset.sure = "yes";
    button.form.requestSubmit(button);
    delete button.dataset.sure;
  };
}, true);

// -- keys -------------------------------------------------------------------------------------------------------------

const keys = document.getElementById("keys");
const keysButton = document.getElementById("keys-toggle");
keysButton.hidden = false;
keysButton.addEventListener("click", () => keys.showModal());
let at = null;
let going = false;

function rows() {
  return [...document.querySelectorAll("main table.list tbody tr")];
}

function mark() {
  for (const row of rows()) row.classList.toggle("at", row.id !== "" && row.id === at);
}

function move(step) {
  const all = rows();
  const index = all.findIndex((row) => row.id === at);
  const row = all[Math.min(all.length - 1, Math.max(0, index + step))];
  if (!row) return;
  at = row.id;
  mark();
  row.scrollIntoView({ block: "nearest" });
  row.querySelector("a, input")?.focus({ preventScroll: true });
}

const KEYS = {
  "/": () => document.getElementById("find").focus(),
  "?": () => keys.showModal(),
  j: () => move(1),
  k: () => move(-1),
  x: () => document.getElementById(at)?.querySelector('input[name="jid"]')?.click(),
  o: () => document.getElementById(at)?.querySelector("a")?.click(),
  l: () => liveButton.click(),
  t: () => themeButton.click(),
  g: () => { going = true; setTimeout(() => { going = false; }, 1500); },
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (going && /^[1-9]$/.test(event.key)) {
    document.querySelectorAll(".tabs a")[Number(event.key) - 1]?.click();
    return;
  }
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// -- the rest ---------------------------------------------------------------------------------------------------------

document.getElementById("language").addEventListener("change", (event) => {
  const address = new URL(location.href);
  address.searchParams.set("lang", event.target.value);
  location.assign(address);
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
if (document.getElementById("said")) {
  const address = new URL(location.href);
  address.searchParams.delete("said");
  address.searchParams.delete("n");
  history.replaceState(null, "", address);
}
const tabs = document.querySelector(".tabs");
const tab = document.querySelector(".tabs [aria-current]");
if (tab) tabs.scrollLeft = tab.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
showLive();
refresh();
setInterval(update, poll * 1000);
setInterval(tellTimes, 1000);
