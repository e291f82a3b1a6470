// Conveniences; every page works without them. Copy buttons, times in the reader's zone, ticking all rows, "/" to search,
// variables that are offered where "$" is typed.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
    say("Copied");
  } catch {
    button.textContent = "Select and copy";
  }
  setTimeout(() => { button.textContent = label; }, 2000);
});

// the second click of a double click would send a form again
const sent = new WeakMap(); // {form: the submit event that was let through}
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  const last = sent.get(event.target);
  const isAgain = last && last.submitter === event.submitter && event.timeStamp - last.timeStamp < 1000;
  if (!isAgain) return sent.set(event.target, event);
  event.preventDefault();
  event.stopPropagation();
}, true);

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
  const search = document.querySelector("input[type=search]");
  if (event.key === "/" && search && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  }
});

// ticking the box in the head ticks all rows; the form's count follows
document.addEventListener("change", (event) => {
  const box = event.target;
  if (!(box instanceof HTMLInputElement) || box.type !== "checkbox" || !box.form) return;
  const boxes = [...box.form.elements].filter((other) => other.name === "user");
  if (box.hasAttribute("data-all")) boxes.forEach((other) => { other.checked = box.checked; });
  else if (box.name !== "user") return;
  showTicked(boxes);
});

function showTicked(boxes) {
  const ticked = boxes.filter((box) => box.checked).length;
  const all = document.querySelector("[data-all]");
  if (all) {
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }
  document.querySelectorAll("[data-ticked]").forEach((place) => {
    place.textContent = ticked ? `${ticked} ticked` : place.dataset.ticked;
  });
}

function say(text) {
  let place = document.getElementById("said");
  if (!place) {
    place = Object.assign(document.createElement("p"), { id: "said", className: "hidden" });
    place.setAttribute("role", "status");
    document.body.append(place);
  }
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = text; });
}

const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const DAY_AND_CLOCK = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
const FORMAT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

// in the same words as the server's filter `ago`
function ago(time) {
  const seconds = (Date.now() - new Date(time)) / 1000;
  const size = Math.abs(seconds);
  if (size < 5 && seconds >= 0) return "just now";
  for (const [unit, length] of UNITS) {
    if (size >= length) {
      const text = `${Math[seconds < 0 ? "round" : "floor"](size / length)} ${unit}`;
      return seconds < 0 ? `in ${text}` : `${text} ago`;
    }
  }
  return "now";
}

// a clock's time is of today; of another day it says which
function clock(time) {
  const moment = new Date(time);
  const isToday = moment.toDateString() === new Date().toDateString();
  return (isToday ? CLOCK : DAY_AND_CLOCK).format(moment);
}

function tellTimes() {
  document.querySelectorAll("time[datetime]").forEach((element) => {
    element.title = FORMAT.format(new Date(element.dateTime));
    if (element.hasAttribute("data-exact")) return;
    element.textContent = element.hasAttribute("data-clock") ? clock(element.dateTime) : ago(element.dateTime);
  });
}

tellTimes();
setInterval(tellTimes, 20000);
document.addEventListener("htmx:after:swap", tellTimes);

// what applies with certain choices only is shown while they are made
function showWhatApplies() {
  document.querySelectorAll("[data-when]").forEach((part) => {
    const control = part.closest("form").elements[part.dataset.when];
    const value = control.type === "checkbox" ? (control.checked ? "on" : "off") : control.value;
    const isOut = control instanceof Element && control.closest(".unused");
    part.classList.toggle("unused", Boolean(isOut) || !JSON.parse(part.dataset.values).includes(value));
  });
}

showWhatApplies();
document.addEventListener("change", showWhatApplies);
document.addEventListener("htmx:after:swap", showWhatApplies);

// typing "$" in a field that takes variables opens their list, with the values of the person of the preview
const BEGUN = /(?<!\$)\$\{?([A-Za-z0-9_-]*)$/;
let popup = null; // { field, list, start, at }

function prepareFields() {
  document.querySelectorAll("input[data-variables]:not([role])").forEach((field) => {
    const attributes = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-haspopup": "listbox" };
    for (const [name, value] of Object.entries(attributes)) field.setAttribute(name, value);
  });
}

prepareFields();
document.addEventListener("htmx:after:swap", prepareFields);

function offerVariables(field) {
  closePopup();
  const begun = field.value.slice(0, field.selectionStart).match(BEGUN);
  const wanted = begun && begun[1].toLowerCase();
  const found = begun ? [...document.querySelectorAll("#variables [data-variable]")] : [];
  const matching = found.filter((item) => item.dataset.variable.toLowerCase().includes(wanted));
  if (!matching.length) return;
  const list = Object.assign(document.createElement("ul"), { id: "offered-variables", className: "popup" });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Variables");
  matching.forEach((item, index) => {
    const option = Object.assign(document.createElement("li"), { id: `offered-variable-${index}` });
    option.setAttribute("role", "option");
    option.dataset.variable = item.dataset.variable;
    option.append(...[...item.children].map((child) => child.cloneNode(true)));
    list.append(option);
  });
  list.addEventListener("mousedown", (event) => {
    event.preventDefault(); // the field keeps the focus
    const option = event.target.closest("[role=option]");
    if (option) takeVariable(option);
  });
  field.after(list);
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-expanded", "true");
  popup = { field, list, start: begun.index, at: 0 };
  markOption(0);
}

function markOption(at) {
  const options = [...popup.list.children];
  popup.at = (at + options.length) % options.length;
  options.forEach((option, index) => option.setAttribute("aria-selected", String(index === popup.at)));
  popup.field.setAttribute("aria-activedescendant", options[popup.at].id);
  options[popup.at].scrollIntoView({ block: "nearest" });
}

function takeVariable(option) {
  const { field, start } = popup;
  const end = field.selectionStart + (field.value[field.selectionStart] === "}" ? 1 : 0);
  field.setRangeText(`\${${option.dataset.variable}}`, start, end, "end");
  closePopup();
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

function closePopup() {
  if (!popup) return;
  popup.list.remove();
  popup.field.removeAttribute("aria-activedescendant");
  popup.field.removeAttribute("aria-controls");
  popup.field.setAttribute("aria-expanded", "false");
  popup = null;
}

document.addEventListener("input", (event) => {
  if (event.target.matches("[data-variables]")) offerVariables(event.target);
});
document.addEventListener("focusout", closePopup);
document.addEventListener("keydown", (event) => {
  if (!popup || event.target !== popup.field || event.isComposing) return;
  const act = {
    ArrowDown: () => markOption(popup.at + 1),
    ArrowUp: () => markOption(popup.at - 1),
    Enter: () => takeVariable(popup.list.children[popup.at]),
    Escape: closePopup,
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// whatever takes no notices from its answer leaves them for the page that shows them: polls, searches and previews
document.addEventListener("htmx:config:request", (event) => {
  const { sourceElement, request } = event.detail.ctx;
  const takesNotices = sourceElement.getAttribute("hx-select-oob")?.includes("#notices");
  if (!takesNotices) request.headers["X-Without-Notices"] = "true";
});

// a refusal that is no form to be seen again: its sentence is shown, and the page stays as it is
document.addEventListener("htmx:before:response", async (event) => {
  const { sourceElement, response: { status, raw, headers } } = event.detail.ctx;
  const isRefusal = [400, 401, 403, 404, 405, 413, 429].includes(status) || status >= 500;
  if (!isRefusal || headers.has("HX-Redirect")) return;
  event.preventDefault();
  sent.delete(sourceElement);
  const page = new DOMParser().parseFromString(await raw.clone().text(), "text/html");
  takeToken(page.querySelector("#held [name=csrf_token]")?.value);
  notify(page.querySelector(".lead")?.textContent.trim() || `The server answered ${status}.`);
});

// who has signed in anew in another tab sends what is typed in this one with the new session's token
function takeToken(token) {
  if (!token) return;
  document.body.setAttribute("hx-headers:inherited", JSON.stringify({ "X-CSRF-Token": token }));
  document.querySelectorAll("[name=csrf_token]").forEach((field) => { field.value = token; });
}

document.addEventListener("htmx:error", () => {
  notify("Rollcall cannot be reached just now.");
  document.querySelector("#notices .notice").dataset.until = "answer";
});

document.addEventListener("htmx:before:response", () => document.querySelector("[data-until=answer]")?.remove());

function notify(text) {
  const notice = Object.assign(document.createElement("p"), { className: "notice bad", textContent: text });
  document.getElementById("notices").replaceChildren(notice);
}
