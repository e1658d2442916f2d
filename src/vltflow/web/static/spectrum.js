// Spectra: <div data-spectrum="ADDRESS OF JSON"> with .flux, .snr, a form and a status; each zoom asks the server.
(() => {
  "use strict";
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const shaded = (data) => (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.fillStyle = css("--warn-bg");
    for (const band of data.flags) {
      const left = plot.valToPos(band.from, "x", true), right = plot.valToPos(band.to, "x", true);
      ctx.fillRect(left - 1, bbox.top, Math.max(right - left, 0) + 2, bbox.height);
    }
    ctx.restore();
  };

  // Lowest and highest, but for elements with errors far above the others': the ends of orders would flatten all else.
  const limits = (values, errors) => {
    const sorted = errors.filter(Number.isFinite).sort((a, b) => a - b), most = 5 * sorted[sorted.length >> 1];
    const shown = values.filter((value, at) => Number.isFinite(value) && !(errors[at] > most));
    const [low, high] = [Math.min(...shown), Math.max(...shown)], rim = (high - low || 1) / 20;
    return shown.length ? [low - rim, high + rim] : [0, 1];
  };

  class Spectrum {
    constructor(box) {
      this.box = box;
      this.form = box.querySelector("form");
      this.status = box.querySelector("[role=status]");
      this.turn = 0;
      this.plots = [];
      this.form.addEventListener("submit", (event) => { event.preventDefault(); this.load(this.field("start"), this.field("stop")); });
      this.form.addEventListener("click", (event) => this.move(event.target.name));
      document.addEventListener("theme", () => this.data && this.draw());
      new ResizeObserver(() => this.plots.forEach((plot) => plot.setSize(this.size(plot.root.parentElement)))).observe(box);
      this.load();
    }
    field(name) { const text = this.form.elements[name].value.trim(); return text && Number.isFinite(Number(text)) ? Number(text) : undefined; }
    size(place) { return { width: place.clientWidth, height: place.classList.contains("snr") ? 180 : 320 }; }

    move(how) {
      if (!this.data) return;
      const [first, last] = this.data.range, { low, high } = this, width = high - low, middle = (low + high) / 2;
      const wanted = {
        closer: [middle - width / 4, middle + width / 4], farther: [middle - width, middle + width],
        left: [low - width / 2, high - width / 2], right: [low + width / 2, high + width / 2], all: [first, last],
      }[how];
      if (!wanted) return;
      const [start, stop] = [Math.max(wanted[0], first), Math.min(wanted[1], last)];
      if (start < stop) this.load(start, stop);
    }

    async load(start, stop) {
      const turn = ++this.turn, asked = new URL(this.box.dataset.spectrum, location.href);
      if (start !== undefined) asked.searchParams.set("start", start);
      if (stop !== undefined) asked.searchParams.set("stop", stop);
      asked.searchParams.set("bins", Math.min(4000, Math.max(300, this.box.clientWidth)));
      let answer;
      try { answer = await fetch(asked, { headers: { Accept: "application/json" } }); } catch { answer = null; }
      if (turn !== this.turn) return;
      if (!answer || !answer.ok) {
        const said = answer && (await answer.json().catch(() => ({}))).error;
        this.status.textContent = said || "The spectrum cannot be read now.";
        return;
      }
      this.data = await answer.json();
      [this.low, this.high] = [start ?? this.data.range[0], stop ?? this.data.range[1]];
      this.draw();
      const digits = Math.max(0, Math.ceil(3 - Math.log10(this.high - this.low)));
      this.form.elements.start.value = this.low.toFixed(digits);
      this.form.elements.stop.value = this.high.toFixed(digits);
      const flagged = this.data.flags.reduce((sum, band) => sum + band.elements, 0);
      this.status.textContent = `${this.data.elements} elements, ${this.data.complete ? "each drawn" : "extremes of each bin drawn"}; ${flagged} flagged`;
      this.list();
    }

    list() {
      const words = {};
      for (const band of this.data.flags) words[band.words] = (words[band.words] || 0) + band.elements;
      const place = this.box.querySelector(".flags");
      place.replaceChildren(...Object.entries(words).map(([name, number]) => {
        const line = document.createElement("p");
        line.textContent = `${number} elements in ranges flagged: ${name}`;
        return line;
      }));
    }

    draw() {
      this.plots.forEach((plot) => plot.destroy());
      const { data } = this, soft = css("--soft");
      const axis = { stroke: soft, grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line") } };
      const line = (label, colour, width = 1) => ({ label, stroke: css(colour), width, points: { show: false }, spanGaps: false });
      const make = (where, label, series, values, errors = []) => {
        const place = this.box.querySelector(where);
        place.replaceChildren();
        const plot = new uPlot({
          ...this.size(place),
          scales: { x: { time: false, range: () => [this.low, this.high] }, y: { range: () => limits(values[0], errors) } },
          axes: [{ ...axis, label: data.wave_label }, { ...axis, size: 76, label }],
          series: [{ label: data.wave_label }, ...series],
          cursor: { sync: { key: "spectrum" }, drag: { setScale: false, x: true, y: false } },
          hooks: {
            drawClear: [shaded(data)],
            setSelect: [(self) => {
              if (self.select.width < 4) return;
              const [left, right] = [self.posToVal(self.select.left, "x"), self.posToVal(self.select.left + self.select.width, "x")];
              self.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
              this.load(left, right);
            }],
          },
        }, [data.wave, ...values], place);
        plot.over.addEventListener("dblclick", () => this.load());
        return plot;
      };
      this.plots = [
        make(".flux", data.flux_label, [line("flux", "--link"), line("error", "--warn")], [data.flux, data.error], data.error),
        make(".snr", "signal to noise", [line("SNR", "--good")], [data.snr]),
      ];
    }
  }
  document.querySelectorAll("[data-spectrum]").forEach((box) => new Spectrum(box));
})();
