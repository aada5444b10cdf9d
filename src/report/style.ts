/**
 * Okabe and Ito's colours (Color Universal Design, 2008), which eyes of every kind tell apart; yellow is left out, it is too
 * pale for lines on white. The last is black on light and white on dark.
 */
const hues = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];
const darkHues = ['#56b4e9', '#e69f00', '#009e73', '#cc79a7', '#d55e00', '#0072b2'];

/** Ink that can be read on a colour, as the numbers in the funnel's parts are. */
const inkOn: Readonly<Record<string, string>> = {
  '#0072b2': '#fff',
  '#d55e00': '#000',
  '#009e73': '#000',
  '#cc79a7': '#000',
  '#e69f00': '#000',
  '#56b4e9': '#000',
  '#000000': '#fff',
  '#ffffff': '#000',
};

const variables = (scheme: 'light' | 'dark'): string => {
  const light = scheme === 'light';
  const all = [...(light ? hues : darkHues), light ? '#000000' : '#ffffff'];
  const ground = light
    ? '--bg:#fff;--fg:#1a1d21;--soft:#5a626b;--rule:#d9dde2;--panel:#f6f7f9;--link:#00568a'
    : '--bg:#14171a;--fg:#e8eaed;--soft:#a4acb5;--rule:#3a4149;--panel:#1c2126;--link:#7cc5f2';
  return `color-scheme:${scheme};${ground};${all.map((hue, i) => `--s${i}:${hue};--on${i}:${inkOn[hue] ?? '#000'}`).join(';')}`;
};

const seriesRules = Array.from(
  { length: hues.length + 1 },
  (_, i) => `.s${i}{--c:var(--s${i})}.on${i}{fill:var(--on${i})}`,
).join('');

/**
 * The page's style. Dark where the reader's system is, unless the switch says otherwise: a radio button and `:has`, so that the
 * page needs no script. Printed light, with every table open.
 */
export const style = [
  `:root{${variables('light')}}`,
  `@media (prefers-color-scheme:dark){:root{${variables('dark')}}}`,
  `:root:has(#theme-light:checked){${variables('light')}}`,
  `:root:has(#theme-dark:checked){${variables('dark')}}`,
  seriesRules,
  '*{box-sizing:border-box}',
  'body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans","DejaVu Sans",sans-serif}',
  'header,main,footer{max-width:62rem;margin:0 auto;padding:0 1.25rem}',
  'header{padding-top:1.5rem}',
  'h1{font-size:1.6rem;line-height:1.25;margin:0 0 .75rem;overflow-wrap:anywhere}',
  'h2{font-size:1.2rem;line-height:1.3;margin:0 0 .4rem;overflow-wrap:anywhere}',
  'section{padding:1.5rem 0;border-top:1px solid var(--rule)}',
  'p{margin:.3rem 0 .8rem;max-width:48rem}',
  'a{color:var(--link)}',
  '.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--bg);padding:.3rem .6rem;z-index:1}',
  ':focus-visible{outline:3px solid var(--link);outline-offset:2px}',
  'fieldset{border:1px solid var(--rule);border-radius:6px;padding:.1rem .7rem .3rem;margin:0 0 1rem;display:inline-flex;gap:.9rem;flex-wrap:wrap}',
  'legend{font-size:.8rem;color:var(--soft);padding:0 .3rem}',
  'label{display:inline-flex;gap:.35rem;align-items:center;font-size:.9rem}',
  'dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.15rem 1rem;margin:0 0 1rem;font-size:.9rem}',
  'dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}',
  'nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;padding:0;margin:0 0 1.2rem;list-style:none;font-size:.9rem}',
  '.missing{border-left:4px solid var(--s1);padding:.3rem .8rem;background:var(--panel)}',
  '.pictures{display:flex;flex-wrap:wrap;gap:.5rem 1rem;margin:0}',
  '.picture{overflow-x:auto;max-width:100%;flex:1 1 24rem;min-width:0}',
  '.picture:has(svg.wide){flex-basis:100%}',
  'svg{display:block}.picture svg.wide{width:100%;min-width:36rem;max-width:54rem}.picture svg.narrow{width:100%;min-width:21rem;max-width:30rem}',
  'svg text{fill:var(--fg);font-size:12.5px;font-family:inherit}svg .tick,svg .axis-label{fill:var(--soft)}svg .row-label{font-size:13px;stroke:var(--bg);stroke-width:4px;paint-order:stroke;stroke-linejoin:round}',
  '.grid{stroke:var(--rule);stroke-width:1;fill:none}.frame,.zero{stroke:var(--soft);stroke-width:1;fill:none}.border{stroke:var(--soft);stroke-dasharray:2 4;fill:none}',
  '.line{stroke:var(--c);stroke-width:2;fill:none;stroke-linejoin:round}',
  '.deviation{stroke:var(--c);stroke-width:2.5;fill:none}',
  '.mark{fill:var(--c);stroke:var(--fg);stroke-width:1}',
  '.seed{fill:var(--bg);fill-opacity:.75;stroke:var(--c);stroke-width:1.4}.seed.plain{stroke:var(--fg)}',
  '.bar{fill:var(--c)}.part{stroke:var(--bg);stroke-width:1.5}',
  'svg .part-label{font-size:12px;font-weight:600}',
  ...Array.from({ length: hues.length + 1 }, (_, i) => `svg .part-label.on${i}{fill:var(--on${i})}`),
  '.legend{display:flex;flex-wrap:wrap;gap:.25rem 1.2rem;list-style:none;margin:.3rem 0 .6rem;padding:0;font-size:.85rem}',
  '.legend li{display:inline-flex;gap:.45rem;align-items:center;min-width:0;unicode-bidi:isolate}.legend svg{flex:none}.legend span{overflow-wrap:anywhere;min-width:0}',
  'details{margin:.4rem 0}summary{cursor:pointer;color:var(--link);font-size:.95rem;padding:.15rem 0}',
  '.scroll{overflow-x:auto;max-width:100%}',
  'table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;margin:.3rem 0 .6rem}',
  '.note{color:var(--soft);font-size:.85rem;margin:.2rem 0}caption{text-align:left;font-weight:600;padding:.2rem .7rem}',
  'th,td{padding:.25rem .7rem;border-bottom:1px solid var(--rule);text-align:right;white-space:nowrap;unicode-bidi:isolate}',
  'th{font-weight:600}thead th{vertical-align:bottom}.l{text-align:left}tbody th{font-weight:400;white-space:normal;min-width:9rem;max-width:20rem;overflow-wrap:anywhere}',
  'tbody tr:hover{background:var(--panel)}',
  'footer{border-top:1px solid var(--rule);padding-top:1rem;padding-bottom:2rem;color:var(--soft);font-size:.85rem}',
  '@media (max-width:40rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.35rem}header,main,footer{padding-left:.8rem;padding-right:.8rem}}',
  `@media print{:root,:root:has(#theme-dark:checked){${variables('light')}}fieldset,nav,.skip{display:none}details::details-content{content-visibility:visible;block-size:auto}.picture,.scroll{overflow:visible}.picture svg.wide,.picture svg.narrow{min-width:0}h2,p,.legend,summary{break-after:avoid}.picture{break-inside:avoid}th,td{white-space:normal;padding:.15rem .35rem}#table-provenance td{overflow-wrap:anywhere}table{font-size:.7rem}}`,
].join('\n');
