// The number on the screen as talktime shows it, on a page of another site.
const asked = new URLSearchParams(location.search);
const element = document.querySelector("talk-time");

const { connect } = await import(`${asked.get("service")}/static/talktime.js`);
const role = element.shadowRoot;
window.talktime = connect({
  url: asked.get("service"),
  token: () => fetch(`token${location.search}`).then((answer) => answer.text()),
});
window.chat = talktime.watch(asked.get("chat"));
window.opened = null;
talktime.onStatus((status) => {
  if (status === "open") window.opened ??= truth.wall();
});
record(role.querySelector("[data-role=elapsed]"), role.querySelector("[data-role=credits]"), element, () => ({
  ...element.reading,
  shownState: element.getAttribute("state"),
}));
element.chat = chat;
