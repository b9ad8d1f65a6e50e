// What anybody needs of a page, whatever it is about: returns the sentences of what is wrong.
() => {
  const wrong = [];
  const shown = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const all = (selector) => [...document.querySelectorAll(selector)];
  const told = (e) => `${e.tagName.toLowerCase()}#${e.id}.${e.className}`;

  if (!document.documentElement.lang) wrong.push("no language");
  if (!document.title) wrong.push("no title");
  if (all("h1").filter(shown).length !== 1) wrong.push("not one h1");
  for (const part of ["main", "header", "footer"]) if (all(part).length !== 1) wrong.push(`not one ${part}`);
  const ids = all("[id]").map((e) => e.id);
  if (new Set(ids).size !== ids.length) wrong.push("ids are not unique");
  const levels = all("h1,h2,h3").filter(shown).map((e) => Number(e.tagName[1]));
  levels.forEach((level, k) => k && level > levels[k - 1] + 1 && wrong.push(`heading ${level} after ${levels[k - 1]}`));
  for (const e of all("[aria-labelledby]")) {
    if (!document.getElementById(e.getAttribute("aria-labelledby"))) wrong.push(`${told(e)} is labelled by nothing`);
  }

  const name = (e) =>
    (e.getAttribute("aria-label") ?? "") + (e.labels ? [...e.labels].map((l) => l.textContent).join() : "") + e.textContent;
  for (const e of all("button,input,select,summary,progress,video,canvas,[role=meter],[role=img]")) {
    if (!shown(e) || e.closest("[aria-hidden=true]")) continue;
    if (!name(e).trim()) wrong.push(`${told(e)} has no name`);
    const { width, height } = e.getBoundingClientRect();
    const pressed = e.matches("button,select,summary,input");
    if (pressed && !e.matches(".unseen") && Math.min(width, height) < 24) wrong.push(`${told(e)} is small`);
  }

  const channels = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const [r, g, b, a = 1] = channels(getComputedStyle(e).backgroundColor);
      if (a > 0.99) return [r, g, b];
    }
    return [255, 255, 255];
  };
  for (const e of all("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !shown(e) || e.matches(".unseen,option,noscript,script,:disabled")) continue;
    const [one, other] = [light(channels(getComputedStyle(e).color)), light(behind(e))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) wrong.push(`${told(e)} "${e.textContent.trim().slice(0, 20)}" has contrast ${contrast.toFixed(1)}`);
  }
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) wrong.push(`wider than the screen by ${root.scrollWidth - root.clientWidth} px`);
  return wrong;
}
