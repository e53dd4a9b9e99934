"use strict";
const at = (id) => document.getElementById(id);

// The list of files: searched as one types, shown a part at a time. Text is put in as text.
(() => {
  if (!at("data")) return;
  const PART = 200;
  const { reasons, rows } = JSON.parse(at("data").textContent);
  const lower = rows.map(([, path, reason]) => `${path}\n${reasons[reason]}`.toLowerCase());
  const body = at("list").tBodies[0];
  let found = [];
  let shown = 0;

  // Narrow screens show rows as blocks, which are rows to a screen reader by their roles alone.
  const element = (name, role) => {
    const one = document.createElement(name);
    one.setAttribute("role", role);
    return one;
  };

  const search = () => {
    const words = at("words").value.toLowerCase().split(/\s+/).filter(Boolean);
    const decision = at("decision").value;
    found = [];
    for (let i = 0; i < rows.length; i++) {
      if (decision && rows[i][0] !== decision) continue;
      if (words.every((word) => lower[i].includes(word))) found.push(i);
    }
    shown = 0;
    body.textContent = "";
    show();
  };

  const show = () => {
    const part = document.createDocumentFragment();
    for (const i of found.slice(shown, shown + PART)) {
      const [decision, path, reason] = rows[i];
      const row = element("tr", "row");
      for (const text of [path, decision, reasons[reason]]) {
        row.appendChild(element("td", "cell")).textContent = text;
      }
      part.append(row);
    }
    body.append(part);
    shown = Math.min(shown + PART, found.length);
    const all = `${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} paths`;
    at("count").textContent = shown < found.length ? `${all}, the first ${shown} shown` : all;
    at("more").hidden = shown === found.length;
  };

  at("search").hidden = at("list").hidden = false;
  at("search").addEventListener("submit", (event) => event.preventDefault());
  at("words").addEventListener("input", search);
  at("decision").addEventListener("change", search);
  at("more").addEventListener("click", () => {
    const first = shown;
    show();
    body.rows[first].tabIndex = -1;
    body.rows[first].focus(); // the button may be gone
  });
  search();
})();

// The images of an audit: filtered as one types, in the order that is asked for.
(() => {
  if (!at("filter")) return;
  const body = at("images").tBodies[0];
  const rows = [...body.rows];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const first = {
    verdict: (row) => Number(row.dataset.rank),
    risks: (row) => -row.dataset.risks,
    saved: (row) => -row.dataset.saved,
  };

  const filter = () => {
    const words = at("filter-words").value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = at("filter-verdict").value;
    let count = 0;
    for (const row of rows) {
      const is = words.every((word) => texts.get(row).includes(word));
      row.hidden = !is || (verdict !== "" && row.dataset.verdict !== verdict);
      if (!row.hidden) count++;
    }
    const all = rows.length.toLocaleString("en");
    at("filter-count").textContent = `${count.toLocaleString("en")} of ${all} images`;
  };

  const order = () => {
    const key = first[at("filter-order").value];
    body.append(...(key ? [...rows].sort((a, b) => key(a) - key(b)) : rows));
  };

  at("filter").hidden = false;
  at("filter").addEventListener("submit", (event) => event.preventDefault());
  at("filter-words").addEventListener("input", filter);
  at("filter-verdict").addEventListener("change", filter);
  at("filter-order").addEventListener("change", order);
  filter();
})();

// Light or dark other than the system has it, until the page is left.
(() => {
  const button = at("theme");
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const tell = () => button.setAttribute("aria-pressed", isDark());
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    tell();
  });
  system.addEventListener("change", tell);
  tell();
})();

// Who comes by a link to a figure wants what is behind it.
(() => {
  const open = () => {
    const details = at(location.hash.slice(1))?.nextElementSibling?.querySelector(".behind details");
    if (details) details.open = true;
  };
  addEventListener("hashchange", open);
  open();
})();

// On paper nothing can be opened, so all is.
(() => {
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });
})();
