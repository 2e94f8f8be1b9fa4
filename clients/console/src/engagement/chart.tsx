import { useEffect, useRef } from 'react';
import uPlot from 'uplot';

/** A line of a chart. */
export interface ChartLine {
  readonly label: string;
  readonly values: readonly number[];
}

const HEIGHT = 260;
/** Told apart by dashes too, for who sees no colours. */
const COLOURS = 6;
const DASHES = [[], [8, 4], [2, 4]];

/** Lines over time. `title` says what they show; the numbers belong beside it, since who cannot see it has nothing else. `times`: ms since 1970. */
export function Chart({
  title,
  times,
  lines,
}: {
  title: string;
  times: readonly number[];
  lines: readonly ChartLine[];
}) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (!element || times.length === 0) return undefined;
    const data = [times.map((ms) => ms / 1_000), ...lines.map(({ values }) => [...values])];
    const plot = new uPlot(optionsOf(element, lines), data as uPlot.AlignedData, element);
    const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [times, lines]);
  return <div ref={place} className="chart" role="img" aria-label={title} />;
}

function optionsOf(element: HTMLElement, lines: readonly ChartLine[]): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--quiet'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    series: [
      {},
      ...lines.map(({ label }, n) => ({
        label,
        stroke: colour(`--series-${(n % COLOURS) + 1}`),
        width: 2,
        dash: DASHES[Math.floor(n / COLOURS) % DASHES.length] ?? [],
        points: { show: false },
      })),
    ],
    axes: [axis, { ...axis, size: 60 }],
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.05)] } },
    legend: { live: false },
    cursor: { drag: { x: false, y: false } },
  };
}
