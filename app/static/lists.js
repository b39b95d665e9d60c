// Lists of the desk (`.rows.list`): their links run the page again instead of loading it anew,
// heads sort, arrows move, a changed figure is tinted. Streamlit draws a list anew as one piece, so
// what the reader did to it is done again after each drawing. Words that lead on (`.ways`) are
// followed in the same way.
(() => {
  "use strict";
  const LIST = ".rows.list";
  const sorted = new Map(); // list -> [column, direction]
  const told = new Map(); // list -> key of a row -> its cells
  const seen = new WeakSet();
  const unfolded = new Set(); // names of the boxes that are open
  let held = null; // [list, key] of the row that has the focus

  // The server hears of a new address as of the browser's own back and forward.
  // Of a way on the same page counts what it names, or `only` that name.
  function go(href, only) {
    const to = new URL(href, location.href);
    if (to.pathname === location.pathname) {
      const kept = new URLSearchParams(location.search);
      const names = new Set(only ? [only] : to.searchParams.keys());
      names.forEach((name) => kept.delete(name));
      to.searchParams.forEach((value, name) => names.has(name) && kept.append(name, value));
      to.search = kept.toString();
    }
    if (to.href === location.href) return;
    history.pushState({}, "", to);
    window.dispatchEvent(new PopStateEvent("popstate"));
  }
  window.deskGo = go;

  // A link of a grid would open another tab: a page of the desk is gone to in this one. Of a symbol
  // the cell holds no address but the symbol, which is what a reader copies and saves.
  const open = window.open.bind(window);
  const isSymbol = (to) => /^[^\s:/?#][^\s:?#]{0,31}$/.test(to);
  window.open = (to, ...rest) => {
    const asked = to && isSymbol(String(to)) ? `/symbol?symbol=${encodeURIComponent(to)}` : to;
    const at = asked && URL.canParse(asked, location.href) ? new URL(asked, location.href) : null;
    if (at?.origin !== location.origin || !/^\/[a-z_]*$/.test(at.pathname)) return open(to, ...rest);
    go(at.href);
    return null;
  };

  // Grids are canvases that write a hyphen before what is below nothing; a copied cell keeps it.
  const write = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
    return write.call(this, typeof text === "string" ? text.replace(/^-(?=\d)/, "\u2212") : text, ...rest);
  };

  // A grid too has lines between its rows only.
  const UPRIGHT = 40; // pixels, more than anything within a row
  const { moveTo, lineTo } = CanvasRenderingContext2D.prototype;
  let begun = null;
  CanvasRenderingContext2D.prototype.moveTo = function (x, y) {
    begun = [x, y];
    return moveTo.call(this, x, y);
  };
  CanvasRenderingContext2D.prototype.lineTo = function (x, y) {
    const upright = begun && x === begun[0] && Math.abs(y - begun[1]) > UPRIGHT;
    if (upright && this.canvas.dataset?.testid === "data-grid-canvas") return undefined;
    return lineTo.call(this, x, y);
  };

  const listOf = (node) => (node instanceof Element ? node.closest(LIST) : null);
  const rowsOf = (list) => [...list.querySelectorAll("tbody tr")];
  const linkOf = (row) => row.querySelector("a:not(.out, .other)"); // where the row leads

  // Words go by their words, days and sizes by the place that the cell tells.
  function value(row, column) {
    const cell = row.cells[column];
    const words = cell?.innerText ?? "";
    if (!cell || (!cell.dataset.place && !cell.classList.contains("number"))) return words;
    const number = parseFloat(cell.dataset.place ?? words.replace("−", "-").replace(/[,▲▼\s]/g, ""));
    return Number.isNaN(number) ? words : number;
  }

  function order(list) {
    const [column, direction] = sorted.get(list.dataset.list) ?? [];
    if (column === undefined) return;
    const rows = rowsOf(list).sort((one, other) => {
      const [a, b] = [value(one, column), value(other, column)];
      if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
      return direction * (typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true }));
    });
    list.querySelector("tbody").append(...rows);
    [...list.querySelectorAll("th")].forEach((head, at) => {
      if (at === column) head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
  }

  function sortBy(head) {
    const list = listOf(head);
    const column = head.cellIndex;
    const [before, direction] = sorted.get(list.dataset.list) ?? [];
    const first = head.classList.contains("number") ? -1 : 1;
    sorted.set(list.dataset.list, [column, before === column ? -direction : first]);
    order(list);
  }

  function tint(list) {
    const before = told.get(list.dataset.list);
    const now = new Map(
      rowsOf(list).filter((row) => row.dataset.key).map((row) => [row.dataset.key, [...row.cells].map((cell) => cell.innerText)]),
    );
    told.set(list.dataset.list, now);
    for (const row of before ? rowsOf(list) : []) {
      const old = row.dataset.key && before.get(row.dataset.key);
      [...row.cells].forEach((cell, at) => {
        if (old && old.length === row.cells.length && old[at] !== cell.innerText)
          cell.classList.add("changed");
      });
    }
  }

  document.addEventListener(
    "toggle",
    (event) => {
      const box = event.target.dataset?.box;
      if (box) unfolded[event.target.open ? "add" : "delete"](box);
    },
    true,
  );

  function drawn() {
    for (const box of document.querySelectorAll("details[data-box]"))
      if (unfolded.has(box.dataset.box)) box.open = true;
    for (const list of document.querySelectorAll(LIST)) {
      const table = list.querySelector("table");
      if (!table || seen.has(table)) continue;
      seen.add(table);
      order(list);
      tint(list);
      if (held && held[0] === list.dataset.list && document.activeElement === document.body) {
        const row = rowsOf(list).find((one) => one.dataset.key === held[1]);
        if (row) linkOf(row)?.focus({ preventScroll: true });
      }
    }
  }

  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      drawn();
    });
  }).observe(document.documentElement, { childList: true, subtree: true });

  document.addEventListener("focusin", (event) => {
    const row = event.target instanceof Element ? event.target.closest(`${LIST} tbody tr`) : null;
    held = row ? [listOf(row).dataset.list, row.dataset.key] : null;
  });

  document.addEventListener("click", (event) => {
    const list = listOf(event.target);
    if (!list || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const head = event.target.closest("th");
    if (head) return sortBy(head);
    const row = event.target.closest("tbody tr");
    const link = event.target.closest("a") ?? (row && linkOf(row));
    if (!link || link.classList.contains("out")) return;
    event.preventDefault();
    go(link.href);
  });

  // Words that lead on (`.ways`, and links of texts to a page of the desk, for which Streamlit would
  // open another tab), and the keys that some of them have. A page's name has no hyphen: what is not
  // a page (/sign-out) is left to the browser.
  const WORDS = '.ways a, [data-testid="stMarkdownContainer"] a[href^="/"]';
  const leads = (link) => link.closest(".ways") || /^\/[a-z_]*$/.test(new URL(link.href).pathname);
  document.addEventListener("click", (event) => {
    const way = event.target instanceof Element ? event.target.closest(WORDS) : null;
    if (!way || !leads(way) || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(way.href, way.dataset.only);
  });

  document.addEventListener("keydown", (event) => {
    const at = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (at instanceof Element && at.closest("input, textarea, select, [contenteditable=true]")) return;
    const key = event.key.toUpperCase();
    const way = [...document.querySelectorAll(".ways a[data-key]")].find((one) => one.dataset.key === key);
    if (!way) return;
    event.preventDefault();
    go(way.href);
  });

  function moved(row, key) {
    const rows = rowsOf(listOf(row));
    const at = rows.indexOf(row);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[key];
    return to === undefined ? undefined : rows[to];
  }

  document.addEventListener("keydown", (event) => {
    const at = event.target;
    if (!listOf(at) || event.ctrlKey || event.metaKey || event.altKey) return;
    const head = at.closest("th");
    if (head && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      return sortBy(head);
    }
    const row = at.closest("tbody tr");
    const to = row && moved(row, event.key);
    if (!to) return;
    event.preventDefault();
    linkOf(to)?.focus();
  });
})();
