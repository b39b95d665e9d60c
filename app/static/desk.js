// Runs before Streamlit's own script. The server is at the root of this host, so that no page looks
// for it below its own path first; and the keys that work on every page.
(() => {
  "use strict";
  window.__streamlit = { ...window.__streamlit, BACKEND_BASE_URL: location.origin + "/" };

  // Charts are drawn with fewer words where there is little room: the server hears of it with the
  // cookies of its connection (components/kit/narrow.py).
  const narrow = matchMedia("(max-width: 500px)");
  function tellWidth() {
    if (narrow.matches || document.cookie.includes("openbell_narrow="))
      document.cookie = `openbell_narrow=${Number(narrow.matches)}; path=/; SameSite=Lax`;
  }
  tellWidth();
  narrow.addEventListener("change", tellWidth);

  // A session that is over closes its pages' sockets. Streamlit would show the refusal as it came;
  // this leads to the sign-in, and from there back to the view.
  async function whetherOver() {
    const answer = await fetch("/_stcore/host-config").catch(() => null);
    if (answer?.status === 401)
      location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener("close", whetherOver);
    }
  };

  const KEYS = [
    ["/", "search the desk"],
    ["↑ ↓", "from row to row of a list; a head sorts it with Enter"],
    ["J K", "next, previous candidate (Gap scan)"],
    ["S D", "star, dismiss for the day (Gap scan)"],
    ["A", "to the decision on the plan: its reason, then Tab and Enter (Gap scan, Plans)"],
    ["Tab", "from one thing to the next; in a table the arrows move"],
    ["Enter", "open, press; Space ticks a row"],
    ["?", "these keys; Esc closes them"],
  ];

  const typing = (at) =>
    at instanceof HTMLElement &&
    (at.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(at.tagName));

  const LABEL = "Symbol, company, accession";

  // The box in the header of every page; it stays through all that Streamlit draws.
  function box() {
    const app = document.querySelector(".stApp");
    if (!app || document.getElementById("desk-search")) return;
    const line = document.createElement("input");
    line.id = "desk-search";
    line.type = "search";
    line.placeholder = `${LABEL}   /`;
    line.setAttribute("aria-label", "Search the desk by symbol, company or accession");
    line.autocomplete = "off";
    line.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && line.value.trim()) {
        window.deskGo(`/search?q=${encodeURIComponent(line.value.trim())}`);
        line.value = "";
        line.blur();
      }
      if (event.key === "Escape") line.blur();
    });
    app.append(line);
  }
  new MutationObserver(box).observe(document.documentElement, { childList: true, subtree: true });

  function search() {
    const shown = document.getElementById("desk-search");
    if (shown && getComputedStyle(shown).display !== "none") return shown.focus();
    const box = document.querySelector('[data-testid="stTextInput"] input[placeholder^="Symbol, company"]');
    if (box) {
      box.focus();
      box.select();
      return;
    }
    const links = [...document.querySelectorAll('[data-testid="stHeader"] a[href]')];
    const link = links.find((a) => new URL(a.href).pathname === "/search");
    if (link) link.click();
    else location.assign("/search");
    let tries = 0;
    const wait = setInterval(() => {
      const found = document.querySelector('[data-testid="stTextInput"] input[placeholder^="Symbol, company"]');
      if (found) found.focus();
      if (found || ++tries > 60) clearInterval(wait);
    }, 100);
  }

  // To the reason of the plan that stands on the page; its buttons are the next stops of Tab.
  function decide() {
    const reason = document.querySelector('[data-testid="stForm"] input[aria-label="Reason"]');
    reason?.focus();
    return Boolean(reason);
  }

  function close() {
    document.getElementById("desk-keys")?.remove();
  }

  function help() {
    if (document.getElementById("desk-keys")) {
      close();
      return;
    }
    const box = document.createElement("div");
    box.id = "desk-keys";
    box.setAttribute("role", "dialog");
    box.setAttribute("aria-label", "Keys of the desk");
    for (const [key, does] of KEYS) {
      const line = document.createElement("div");
      const name = document.createElement("kbd");
      name.textContent = key;
      line.append(name, " ", does);
      box.append(line);
    }
    document.body.append(box);
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "a" && decide()) event.preventDefault(); // or its letter is the first typed
    if (event.key === "/" || event.key === "?") {
      event.preventDefault();
      if (event.key === "/") search();
      else help();
    }
  });
})();

// Streamlit cleans the address of a page that is being opened before it leaves the one before: an
// entry of the old page with the words of the new one, where Back would land. An entry that nobody
// touched anything since gives way to that of the page it was made for.
(() => {
  "use strict";
  const push = history.pushState.bind(history);
  let untouched = false;
  history.pushState = (state, title, to) => {
    const leaves = new URL(to ?? location.href, location.href).pathname !== location.pathname;
    if (leaves && untouched) history.replaceState(state, title, to);
    else push(state, title, to);
    untouched = !leaves;
  };
  for (const touch of ["pointerdown", "keydown", "popstate"])
    addEventListener(touch, () => { untouched = false; }, true);
})();
