// Keeps pages fresh, says times in the viewer's zone, and takes "/" to the search box. Every page works without it.
"use strict";

const EVERY = 2000; // ms between two looks
const MOST_ROWS = 300;

// Times: the server writes UTC.

const two = (number) => String(number).padStart(2, "0");
const dayOf = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
const timeOf = (date) => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;

function localise(root) {
  const today = dayOf(new Date());
  for (const time of root.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    if (isNaN(date)) continue;
    const day = time.querySelector(".date");
    day.textContent = dayOf(date);
    day.nextSibling.data = ` ${timeOf(date)}`;
    time.classList.toggle("today", day.textContent === today);
  }
}

function nameZone() {
  const zone = document.getElementById("zone");
  const minutes = -new Date().getTimezoneOffset();
  const offset = `UTC${minutes < 0 ? "-" : "+"}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  zone.textContent = zone.dataset.local.replace("{zone}", name ? `${name} (${offset})` : offset);
}

// Freshness: a part of the page is fetched again while somebody can see it.

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  localise(template.content);
  return template.content;
}

// Makes `from` as `to` is, touching only what differs, so that focus, selection and scrolling stay.
function become(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName || from.id !== to.id) return from.replaceWith(to);
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name)) from.removeAttribute(name);
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  const have = [...from.childNodes];
  const want = [...to.childNodes];
  want.forEach((node, place) => (have[place] ? become(have[place], node) : from.append(node)));
  have.slice(want.length).forEach((node) => node.remove());
}

// Puts each element of `html` in the place of the one with its id.
function put(html) {
  for (const fresh of [...parsed(html).children]) {
    const stale = document.getElementById(fresh.id);
    if (stale) become(stale, fresh);
  }
}

const live = document.getElementById("live");
let lastAnswer = new Date();

function say(state, values = {}) {
  let text = live.dataset[state];
  for (const [name, value] of Object.entries(values)) text = text.replace(`{${name}}`, value);
  if (live.textContent !== text) live.textContent = text;
  live.className = state === "ended" ? "lost" : state;
}

async function ask(url) {
  const answer = await fetch(url, { cache: "no-store", redirect: "error", signal: AbortSignal.timeout(10000) });
  if (answer.status === 401) throw new Error("ended");
  if (!answer.ok) throw new Error(String(answer.status));
  put(decodeURIComponent(answer.headers.get("X-Head")));
  const health = document.getElementById("health");
  const title = document.title.split(" · ").slice(-2);
  if (health.classList.contains("bad")) title.unshift(health.textContent.trim());
  if (document.title !== title.join(" · ")) document.title = title.join(" · ");
  return answer;
}

function region(part) {
  return async () => {
    const answer = await ask(`${location.pathname}?${part.dataset.live}`);
    put(await answer.text());
  };
}

// A list whose new rows come in at its top, unless somebody is reading it: then a button says how many there are.
function list(rows) {
  const table = rows.closest(".table");
  const button = document.createElement("button");
  button.id = "new";
  button.hidden = true;
  table.before(button);
  let newest = rows.dataset.newest;
  let waiting = null;

  const isRead = () =>
    table.getBoundingClientRect().top < 0 ||
    rows.matches(":hover") ||
    rows.contains(document.activeElement) ||
    (!getSelection().isCollapsed && table.contains(getSelection().anchorNode));

  function show() {
    const known = new Set([...rows.rows].map((row) => row.id));
    const fresh = waiting.rows.filter((row) => !known.has(row.id));
    if (fresh.length === waiting.rows.length || rows.rows.length > MOST_ROWS) {
      rows.replaceChildren();
      const next = document.querySelector(".paging [rel=next]");
      if (next && waiting.following) next.search = waiting.following;
    }
    fresh.forEach((row) => row.classList.add("fresh"));
    rows.prepend(...(rows.rows.length ? fresh : waiting.rows));
    document.getElementById("none-yet")?.setAttribute("hidden", "");
    waiting = null;
    button.hidden = true;
  }

  button.addEventListener("click", () => {
    show();
    scrollTo({ top: 0 });
    table.focus({ preventScroll: true });
  });

  return async () => {
    const answer = await ask(`${location.pathname}?${rows.dataset.rows}&part=${encodeURIComponent(newest)}`);
    if (answer.status === 204) {
      if (waiting && !isRead()) show();
      return;
    }
    newest = answer.headers.get("X-Newest");
    const found = [...parsed(`<table>${await answer.text()}</table>`).querySelectorAll("tr")];
    const known = new Set([...rows.rows].map((row) => row.id));
    for (const row of found) if (known.has(row.id)) become(document.getElementById(row.id), row.cloneNode(true));
    const count = found.filter((row) => !known.has(row.id)).length;
    if (!count) return;
    waiting = { rows: found, following: answer.headers.get("X-Following") };
    if (!isRead()) return show();
    button.textContent = rows.dataset.new.replace("{n}", count);
    button.hidden = false;
  };
}

function keepFresh() {
  const part = document.querySelector("[data-live]");
  const rows = document.querySelector("[data-rows]");
  const look = part ? region(part) : rows ? list(rows) : () => ask(live.dataset.pulse);
  let timer = 0;

  async function turn() {
    clearTimeout(timer);
    if (document.hidden) return say("paused");
    try {
      await look();
      lastAnswer = new Date();
      say("on");
    } catch (error) {
      if (error.message === "ended") return say("ended");
      say("lost", { time: timeOf(lastAnswer) });
    }
    clearTimeout(timer);
    timer = setTimeout(turn, EVERY);
  }

  document.addEventListener("visibilitychange", turn);
  timer = setTimeout(turn, EVERY);
  say("on");
}

// Small things

function isTyping(target) {
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

document.addEventListener("keydown", (event) => {
  const menu = document.querySelector(".menu[open]");
  if (event.key === "Escape" && menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
  const search = document.getElementById("search");
  if (event.key !== "/" || !search || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  event.preventDefault();
  search.focus();
  search.select();
});

document.addEventListener("click", (event) => {
  const menu = document.querySelector(".menu[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
});

for (const picture of document.querySelectorAll(".pictures img")) {
  const absent = () => picture.closest("li").classList.add("absent");
  if (picture.complete && !picture.naturalWidth) absent();
  picture.addEventListener("error", absent);
}

// A link from elsewhere comes without the session's SameSite=Strict cookie: whoever is logged in goes on at once.
const door = document.getElementById("door");
if (door) {
  fetch(door.dataset.session, { cache: "no-store" })
    .then((answer) => answer.json())
    .then((answer) => answer.logged_in && location.replace(door.dataset.next))
    .catch(() => {});
} else if (live.dataset.pulse) {
  keepFresh();
}
localise(document);
nameZone();
