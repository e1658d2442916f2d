// Plots: <div class="plot" data-plot="ADDRESS"> gets {time, value, low, high, colour, ab, label, unit} and shows it.
(() => {
  "use strict";
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const SIGNS = { green: "circle", red: "cross", grey: "ring" };

  const marks = (data) => (plot, series) => {
    const colours = { green: css("--good"), red: css("--bad"), grey: css("--soft") };
    const { ctx } = plot;
    const size = 4 * devicePixelRatio;
    ctx.save();
    ctx.lineWidth = 1.6 * devicePixelRatio;
    data.value.forEach((value, at) => {
      const x = plot.valToPos(data.time[at], "x", true), y = plot.valToPos(value, "y", true);
      if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) return;
      ctx.strokeStyle = ctx.fillStyle = colours[data.colour[at]] || colours.grey;
      ctx.beginPath();
      if (SIGNS[data.colour[at]] === "cross") {
        ctx.moveTo(x - size, y - size); ctx.lineTo(x + size, y + size);
        ctx.moveTo(x + size, y - size); ctx.lineTo(x - size, y + size);
        ctx.stroke();
      } else {
        ctx.arc(x, y, size * 0.8, 0, 2 * Math.PI);
        if (data.colour[at] === "grey") ctx.stroke(); else ctx.fill();
      }
    });
    ctx.restore();
    return null;
  };

  const draw = async (box) => {
    const answer = await fetch(box.dataset.plot, { headers: { Accept: "application/json" } });
    if (!answer.ok) { box.textContent = "The values cannot be read now."; return; }
    const data = await answer.json();
    const axis = { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line") } };
    const limit = { stroke: css("--good"), dash: [6, 4], width: 1.2, points: { show: false }, spanGaps: true };
    box.replaceChildren();
    const plot = new uPlot({
      width: box.clientWidth, height: 320, tzDate: (time) => uPlot.tzDate(new Date(time * 1e3), "Etc/UTC"),
      axes: [axis, { ...axis, size: 70, label: data.unit ? `${data.label} [${data.unit}]` : data.label }],
      series: [
        { label: "UT" },
        { label: data.label, stroke: "transparent", paths: marks(data), points: { show: false } },
        { label: "lower limit", ...limit }, { label: "upper limit", ...limit },
      ],
      cursor: { focus: { prox: 16 } },
    }, [data.time, data.value, data.low, data.high], box);
    plot.over.addEventListener("click", () => {
      const at = plot.cursor.idx;
      if (at != null && plot.select.width === 0 && data.ab[at]) location.assign(`/ab/${encodeURIComponent(data.ab[at])}`);
    });
    new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 320 })).observe(box);
  };
  const all = () => document.querySelectorAll("[data-plot]").forEach(draw);
  document.addEventListener("theme", all);
  all();
})();
