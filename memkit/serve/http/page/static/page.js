// Charts and the graph, drawn from data that the page holds as JSON in attributes; everything else is plain HTML.
"use strict";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const SERIES_COLOURS = {
  retention: "accent", turns: "turns", thoughts: "thoughts", summaries: "summaries",
};
const BAND_COLOURS = ["vivid", "fading", "faint", "below"];

const drawn = new Map();

function stacked(columns) {
  // Values on top of those of the bands after them, so that the first band is drawn first, and highest.
  const totals = columns.map((column) => column.slice());
  for (let i = totals.length - 2; i >= 0; i--) totals[i] = totals[i].map((value, j) => value + totals[i + 1][j]);
  return totals;
}

function markNow(data) {
  return (chart) => {
    const { ctx, bbox } = chart;
    const at = Math.round(chart.valToPos(data.now, "x", true));
    ctx.save();
    ctx.fillStyle = colour("muted");
    ctx.globalAlpha = 0.09;
    ctx.fillRect(at, bbox.top, bbox.left + bbox.width - at, bbox.height);
    ctx.globalAlpha = 1;
    ctx.fillRect(at, bbox.top, Math.max(1, devicePixelRatio), bbox.height);
    if (data.threshold) {
      const level = Math.round(chart.valToPos(data.threshold, "y", true));
      ctx.fillStyle = colour("minus");
      for (let x = bbox.left; x < bbox.left + bbox.width; x += 8 * devicePixelRatio) {
        ctx.fillRect(x, level, 4 * devicePixelRatio, devicePixelRatio);
      }
    }
    ctx.restore();
  };
}

function drawChart(place) {
  const data = JSON.parse(place.dataset.chart);
  const names = Object.keys(data.series);
  const columns = Object.values(data.series);
  const areBands = place.dataset.kind === "bands";
  const heights = areBands ? stacked(columns) : columns;
  const axis = { stroke: colour("muted"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
  const series = names.map((name, i) => {
    const stroke = colour(areBands ? BAND_COLOURS[i] : SERIES_COLOURS[name] || "accent");
    const value = (chart, height, seriesAt, at) => {
      const own = at === null || at === undefined ? null : columns[i][at];
      return own === null ? "–" : areBands ? own.toLocaleString("en") : own.toFixed(2);
    };
    return areBands ? { label: name, stroke, fill: stroke, width: 0, points: { show: false }, value }
      : { label: name, stroke, width: 2, points: { show: false }, value };
  });
  const options = {
    width: place.clientWidth, height: place.clientHeight - 40, series: [{ value: "{YYYY}-{MM}-{DD}" }, ...series],
    axes: [axis, { ...axis, size: 52 }],
    scales: { y: { range: areBands ? (chart, least, most) => [0, Math.max(1, most)] : [0, 1.02] } },
    cursor: { drag: { x: true, y: false } }, hooks: { draw: [markNow(data)] },
  };
  const before = drawn.get(place);
  if (before) before.destroy();
  drawn.set(place, new uPlot(options, [data.moments, ...heights], place));
}

function graphStyle() {
  return [
    { selector: "node", style: {
      label: "data(name)", "font-size": 13, "font-family": "sans-serif", color: colour("ink"), "text-wrap": "ellipsis", "text-max-width": 140,
      "text-valign": "bottom", "text-margin-y": 3, "background-color": colour("fading"), width: 12, height: 12,
      "text-outline-color": colour("card"), "text-outline-width": 2 } },
    { selector: "node[?person]", style: { "background-color": colour("thoughts"), width: 24, height: 24, "font-size": 16, "font-weight": "bold" } },
    { selector: "edge", style: {
      width: 1.2, "line-color": colour("muted"), "target-arrow-color": colour("muted"), "line-opacity": 0.45, "target-arrow-shape": "triangle", "arrow-scale": 0.7,
      "curve-style": "bezier" } },
    { selector: "edge.near", style: {
      "line-color": colour("accent"), "target-arrow-color": colour("accent"), "line-opacity": 1, width: 2, label: "data(name)", "font-size": 10,
      color: colour("muted"), "text-background-color": colour("card"), "text-background-opacity": 0.9, "text-rotation": "autorotate" } },
    { selector: "node.near", style: { "border-width": 2, "border-color": colour("accent") } },
  ];
}

function drawGraph(place) {
  const data = JSON.parse(place.dataset.graph);
  const nodes = data.nodes.map((node) => ({ data: node }));
  const edges = data.edges.map((edge, i) => ({ data: { id: `e${i}`, ...edge } }));
  const graph = cytoscape({
    container: place, elements: [...nodes, ...edges], style: graphStyle(), maxZoom: 3, minZoom: 0.15,
    layout: { name: "cose", animate: false, padding: 24, nodeRepulsion: () => 25000, idealEdgeLength: () => 80, nodeDimensionsIncludeLabels: true, componentSpacing: 60 },
  });
  const told = document.getElementById("chosen-node");
  const mark = (chosen, words) => {
    graph.elements(".near").removeClass("near");
    chosen.addClass("near");
    told.textContent = words;
  };
  graph.on("tap", "node", (event) => {
    const edgesOfIt = event.target.connectedEdges();
    mark(event.target.union(edgesOfIt), `${event.target.data("name")}: ${edgesOfIt.length} ${edgesOfIt.length === 1 ? "thought" : "thoughts"}`);
  });
  graph.on("tap", "edge", (event) => {
    const { source, target, name, memory } = event.target.data();
    mark(event.target, `${graph.getElementById(source).data("name")} ${name} ${graph.getElementById(target).data("name")} `);
    const link = document.createElement("a");
    link.href = `${place.dataset.memory}&id=${encodeURIComponent(memory)}`;
    link.textContent = "About it";
    told.append(link);
  });
  drawn.set(place, { restyle: () => graph.style(graphStyle()) });
}

function drawAll(root) {
  root.querySelectorAll(".chart").forEach((place) => drawn.has(place) || drawChart(place));
  root.querySelectorAll(".graph").forEach((place) => drawn.has(place) || drawGraph(place));
}

function drawAgain() {
  for (const [place, picture] of drawn) {
    if (!place.isConnected) drawn.delete(place);
    else if (picture.restyle) picture.restyle();
    else drawChart(place);
  }
}

document.addEventListener("DOMContentLoaded", () => setTimeout(() => drawAll(document)));  // the text comes first
document.addEventListener("htmx:load", (event) => drawAll(event.detail.elt.parentElement || document));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAgain);
let resizing;
addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(drawAgain, 120); });
