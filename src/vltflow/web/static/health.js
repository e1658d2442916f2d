// Plots over years: <div data-health="ADDRESS"> gets data sets thinned by the server, asks again for a close-up.
(() => {
  "use strict";
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const HEIGHT = 260, NEAR = 14;
  const text = (value) => (value == null ? "–" : String(+Number(value).toPrecision(6)));
  const inks = () => [css("--busy"), css("--focus")];

  const sign = (ctx, x, y, size, shape) => {
    ctx.beginPath();
    if (shape === "cross") {
      ctx.moveTo(x - size, y - size); ctx.lineTo(x + size, y + size);
      ctx.moveTo(x + size, y - size); ctx.lineTo(x - size, y + size); ctx.stroke();
    } else if (shape === "up" || shape === "down") {
      const way = shape === "up" ? 1 : -1;
      ctx.moveTo(x, y); ctx.lineTo(x - size, y + way * 2 * size); ctx.lineTo(x + size, y + way * 2 * size); ctx.closePath(); ctx.fill();
    } else if (shape === "diamond") {
      ctx.moveTo(x, y - size); ctx.lineTo(x + size, y); ctx.lineTo(x, y + size); ctx.lineTo(x - size, y); ctx.closePath(); ctx.fill();
    } else {
      ctx.arc(x, y, size * 0.8, 0, 2 * Math.PI);
      if (shape === "ring") ctx.stroke(); else ctx.fill();
    }
  };

  const level = (plot, ctx, value, ink, dash, scale) => {
    if (value == null) return;
    const y = plot.valToPos(value, "y", true), { left, width } = plot.bbox;
    ctx.strokeStyle = ink; ctx.lineWidth = 1.3 * scale; ctx.setLineDash(dash.map((step) => step * scale));
    ctx.beginPath(); ctx.moveTo(left, y); ctx.lineTo(left + width, y); ctx.stroke(); ctx.setLineDash([]);
  };

  const marks = (state) => (plot) => {
    const { ctx } = plot, scale = devicePixelRatio, box = plot.bbox, size = 3.6 * scale;
    const bottom = box.top + box.height, colours = inks(), soft = css("--soft"), bad = css("--bad"), warn = css("--warn"), labels = [];
    ctx.save();
    ctx.beginPath(); ctx.rect(box.left, box.top, box.width, box.height); ctx.clip();
    ctx.font = `${11 * scale}px system-ui, sans-serif`; ctx.textAlign = "left"; ctx.textBaseline = "alphabetic";
    state.data.events.forEach((event, at) => {
      const x = plot.valToPos(event.time, "x", true);
      const words = `${event.kind}: ${event.text}`.slice(0, 48), y = box.top + (12 + 13 * (at % 3)) * scale;
      const wide = ctx.measureText(words).width, left = Math.max(box.left, Math.min(x + 3 * scale, box.left + box.width - wide));
      labels.push([words, left, y, wide]);
      ctx.strokeStyle = warn; ctx.lineWidth = scale;
      ctx.beginPath(); ctx.moveTo(x, box.top); ctx.lineTo(x, bottom); ctx.stroke();
    });
    state.data.series.forEach((one, which) => {
      one.limits.forEach((limit) => level(plot, ctx, limit, colours[which], [7, 4], scale));
      level(plot, ctx, one.average, colours[which], [1, 3], scale);
      ctx.lineWidth = 1.5 * scale;
      one.value.forEach((value, at) => {
        const x = plot.valToPos(one.time[at], "x", true), y = plot.valToPos(value, "y", true);
        ctx.strokeStyle = ctx.fillStyle = one.hidden[at] ? soft : one.outlier[at] ? bad : colours[which];
        if (y < box.top) sign(ctx, x, box.top + 1, size, "up");
        else if (y > bottom) sign(ctx, x, bottom - 1, size, "down");
        else sign(ctx, x, y, size, one.hidden[at] ? "ring" : one.outlier[at] ? "cross" : which ? "diamond" : "dot");
      });
    });
    labels.forEach(([words, left, y, wide]) => {
      ctx.fillStyle = css("--card"); ctx.fillRect(left - scale, y - 10 * scale, wide + 2 * scale, 13 * scale);
      ctx.fillStyle = warn; ctx.fillText(words, left, y);
    });
    const chosen = state.points[state.at];
    if (chosen) {
      ctx.strokeStyle = css("--focus"); ctx.lineWidth = 2 * scale;
      const y = Math.min(Math.max(plot.valToPos(chosen.value, "y", true), box.top), bottom);
      ctx.beginPath(); ctx.arc(plot.valToPos(chosen.time, "x", true), y, 7 * scale, 0, 2 * Math.PI); ctx.stroke();
    }
    ctx.restore();
  };

  const pointsOf = (data) => data.series.flatMap((one, which) => one.value.map((value, at) => ({
    value, time: one.time[at], ab: one.ab[at], label: one.label, setup: one.setup[at], origin: one.origin[at],
    score: one.score[at], outlier: one.outlier[at], hidden: one.hidden[at], which,
  }))).sort((a, b) => a.time - b.time);

  const words = (state) => {
    const one = state.points[state.at];
    if (!one) return "";
    const when = state.data.kind === "time" ? new Date(one.time * 1e3).toISOString().slice(0, 19).replace("T", " ") : text(one.time);
    const where = one.ab || `historical, no AB and no QC report: ${one.origin}`;
    return `${when}  ${one.label} ${text(one.value)}  ${one.setup}  ${one.hidden ? "hidden" : one.outlier ? "outlier" : one.score}  ${where}`;
  };

  const numbers = (state) => {
    const table = state.box.parentElement.querySelector("[data-numbers]");
    if (!table) return;
    state.data.series.forEach((one, which) => {
      const row = table.tBodies[0].rows[state.data.kind === "correlation" ? 1 : which];
      row.querySelector("[data-average]").textContent = one.average == null ? "–" : `${one.method} ${text(one.average)} ${state.data.unit.split(" / ")[0]}`;
      row.querySelector("[data-limits]").textContent = one.limits.every((limit) => limit == null) ? "none" : one.limits.map(text).join(" to ");
      row.querySelector("[data-total]").textContent = one.total;
      row.querySelector("[data-outliers]").textContent = one.outliers == null ? "–" : one.outliers;
    });
  };

  const paint = (state) => {
    const { box, data } = state;
    state.points = pointsOf(data); state.at = -1;
    if (state.plot) state.plot.destroy();
    box.replaceChildren();
    if (!state.points.length) { box.textContent = "No values in this time."; return; }
    const axis = { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line") } };
    const isTime = data.kind === "time", values = state.points.map((one) => one.value), xs = state.points.map((one) => one.time);
    const view = data.view || [Math.min(...values), Math.max(...values)];
    const span = data.range || [xs[0], xs[xs.length - 1]];
    const room = isTime ? 0 : 0.04;
    const pad = ([low, high]) => (low === high ? [low - 1, high + 1] : [low - room * (high - low), high + room * (high - low)]);
    state.plot = new uPlot({
      width: box.clientWidth, height: HEIGHT, legend: { show: false },
      tzDate: (time) => uPlot.tzDate(new Date(time * 1e3), "Etc/UTC"),
      scales: { x: { time: isTime, range: () => pad(span) }, y: { range: () => pad(view) } },
      axes: [{ ...axis, label: isTime ? undefined : data.labels[0] }, { ...axis, size: 72, label: isTime ? data.unit : data.labels[1] }],
      series: [{}, { stroke: "transparent", paths: () => null, points: { show: false } }],
      cursor: { drag: { x: isTime, y: false, setScale: false }, points: { show: false } },
      hooks: { draw: [marks(state)], setSelect: [(plot) => closer(state, plot)] },
    }, [xs, values], box);
    numbers(state);
  };

  const load = async (state, start, end) => {
    const asked = performance.now();
    const address = new URL(state.box.dataset.health, location.href);
    const [first, last] = (state.box.dataset.close || "start end").split(" ");
    if (start != null) { address.searchParams.set(first, start); address.searchParams.set(last, end); }
    address.searchParams.set("columns", Math.max(50, Math.min(4000, state.box.clientWidth)));
    const answer = await fetch(address, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer || !answer.ok) { state.box.textContent = "The values cannot be read now."; return; }
    state.data = await answer.json(); state.isClose = start != null;
    if (start != null) state.data.range = [start, end];
    paint(state);
    requestAnimationFrame(() => { state.box.dataset.drawn = (performance.now() - asked).toFixed(); });
  };

  const closer = (state, plot) => {
    if (plot.select.width < 4) return;
    const start = plot.posToVal(plot.select.left, "x"), end = plot.posToVal(plot.select.left + plot.select.width, "x");
    load(state, start, end);
  };

  const choose = (state, at) => {
    state.at = at;
    state.plot.redraw(false);
    const reading = state.box.parentElement.querySelector("[data-reading]"), { ab } = state.points[at];
    reading.textContent = words(state);
    for (const [title, end] of ab ? [["AB", ""], ["QC report", "/report"]] : []) {
      const link = document.createElement("a");
      link.href = `/ab/${encodeURIComponent(ab)}${end}`; link.textContent = title;
      reading.append("  ", link);
    }
  };
  const nearest = (state, event) => {
    const { plot } = state, box = plot.over.getBoundingClientRect();
    const left = event.clientX - box.left, top = event.clientY - box.top;
    let best = -1, least = NEAR ** 2;
    state.points.forEach((one, at) => {
      const y = Math.min(Math.max(plot.valToPos(one.value, "y"), 0), box.height);
      const far = (plot.valToPos(one.time, "x") - left) ** 2 + (y - top) ** 2;
      if (far < least) { least = far; best = at; }
    });
    return best;
  };
  const open = (state) => {
    const one = state.points[state.at];
    if (one && one.ab) location.assign(`/ab/${encodeURIComponent(one.ab)}`);
  };

  const live = (box) => {
    const state = { box, points: [], at: -1, data: null, plot: null, isClose: false };
    let down = 0;
    box.addEventListener("pointermove", (event) => { if (state.plot && !event.buttons) { const at = nearest(state, event); if (at !== state.at && at >= 0) choose(state, at); } });
    box.addEventListener("pointerdown", (event) => { down = event.clientX; });
    box.addEventListener("click", (event) => { if (state.plot && Math.abs(event.clientX - down) < 4 && nearest(state, event) >= 0) { choose(state, nearest(state, event)); open(state); } });
    box.addEventListener("dblclick", () => load(state));
    box.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (event.key === "Enter") open(state);
      else if (event.key === "Escape") load(state);
      else if (step && state.points.length) { event.preventDefault(); choose(state, Math.min(Math.max(state.at + step, 0), state.points.length - 1)); }
    });
    document.addEventListener("theme", () => { if (state.data) paint(state); });
    new ResizeObserver(() => { if (state.plot) state.plot.setSize({ width: box.clientWidth, height: HEIGHT }); }).observe(box);
    new IntersectionObserver((seen, watch) => { if (seen.some((one) => one.isIntersecting)) { watch.disconnect(); load(state); } }, { rootMargin: "300px" }).observe(box);
    return state;
  };
  const states = [...document.querySelectorAll("[data-health]")].map(live);
  const refresh = document.querySelector("[data-refresh]");
  if (refresh) setInterval(() => { if (!document.hidden && !states.some((one) => one.isClose || one.at >= 0)) location.reload(); }, refresh.dataset.refresh * 1e3);
})();
