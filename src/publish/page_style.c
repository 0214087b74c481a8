/* page_style: how the page looks: one column of text, tables that scroll in boxes of their own,
 * light and dark.
 *
 * Fonts are the reader's system's. Colours are variables, so that the pictures change with the
 * page. Each text colour has a contrast of at least 4.5 to its background, each line of a picture
 * 3 (WCAG 2.1, AA). */
#include "publish/page_private.h"

const char *const page_style[] = {
    ":root{color-scheme:light dark;--paper:#fdfdfc;--card:#f4f5f3;--ink:#1d2227;--soft:#59626b;"
    "--line:#dcdfdd;--accent:#1f62a8;--mark:#e4eefa;--bar:#a9c8ea;--warn:#8a4b00;"
    "--c-ink:#2b3036;--c-paper:#fdfdfc;--c-grid:#d3d7d6;--c-blue:#1f6fb4;--c-orange:#b8661a;"
    "--c-green:#4d7f47;--c-purple:#8a5aa8;--c-size-1:#b85f0a;--c-size-2:#1c7d66;"
    "--c-size-3:#2b64c4;--c-size-4:#853a9e;--load-1:#6b87a3;--load-2:#1f6fb4;--load-3:#b8661a;"
    "--load-4:#b3261e}",
    "@media(prefers-color-scheme:dark){:root{--paper:#15181c;--card:#1e2227;--ink:#e7e9eb;"
    "--soft:#a3acb5;--line:#343a41;--accent:#7db8f0;--mark:#1f3147;--bar:#35587d;"
    "--warn:#e9b26a;--c-ink:#d9dde1;--c-paper:#15181c;--c-grid:#3d444c;--c-blue:#6db1f0;"
    "--c-orange:#eba25a;--c-green:#8fc188;--c-purple:#c39ae0;--c-size-1:#f0a04b;"
    "--c-size-2:#4fc3a5;--c-size-3:#79a9f7;--c-size-4:#d491ea;--load-1:#7d98b3;"
    "--load-2:#6db1f0;--load-3:#eba25a;--load-4:#f28b82}}",
    "*{box-sizing:border-box}",
    "html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}",
    "body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.6 system-ui,"
    "-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;overflow-wrap:break-word}",
    "main,header,footer,nav{max-width:46rem;margin:0 auto;padding:0 1.25rem}",
    "header{padding-top:3.5rem}footer{padding-top:2rem;padding-bottom:3rem;color:var(--soft);"
    "font-size:.875rem}",
    "h1{text-wrap:balance;font-size:2rem;line-height:1.2;letter-spacing:-.015em;margin:0 0 "
    ".5rem;font-weight:650}",
    "h2{font-size:1.375rem;line-height:1.3;letter-spacing:-.01em;margin:3.25rem 0 .75rem;"
    "font-weight:650}",
    "h3{font-size:1.1rem;line-height:1.35;margin:2.25rem 0 .5rem;font-weight:650}",
    "h2.result{margin-top:4.5rem;padding-top:1.25rem;border-top:3px solid var(--ink);"
    "font-size:1.6rem}",
    "p{margin:.75rem 0}.lead{font-size:1.1875rem;line-height:1.55;color:var(--soft);"
    "margin:.25rem 0 0}",
    "a{color:var(--accent)}:focus-visible{outline:3px solid var(--accent);outline-offset:2px;"
    "border-radius:2px}",
    ".skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.75rem;"
    "background:var(--paper);padding:.25rem .75rem}",
    "nav ol{list-style:none;margin:1.5rem 0 0;padding:.75rem 0;display:flex;flex-wrap:wrap;"
    "gap:.25rem 1.5rem;border-top:1px solid var(--line);border-bottom:1px solid var(--line);"
    "font-size:.9375rem}",
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.75rem;"
    "margin:1.25rem 0;padding:0}",
    ".tiles div{background:var(--card);border-radius:.5rem;padding:.8rem 1rem}",
    ".tiles dt{font-size:.8125rem;line-height:1.35;color:var(--soft);min-height:2.7em}.tiles "
    "dd{margin:0}.tiles .value{font-size:1.75rem;line-height:1.25;font-weight:650;"
    "letter-spacing:-.02em;font-variant-numeric:tabular-nums}.tiles .range{font-size:.8125rem;"
    "color:var(--soft);font-variant-numeric:tabular-nums}",
    ".scroll{overflow-x:auto;margin:1.25rem 0}",
    "table{border-collapse:collapse;width:100%;font-size:.9375rem;line-height:1.4;"
    "font-variant-numeric:tabular-nums}",
    "caption{text-align:left;font-size:.875rem;color:var(--soft);padding-bottom:.5rem}",
    "th,td{padding:.45rem .75rem;text-align:right;vertical-align:top;border-bottom:1px solid "
    "var(--line);white-space:nowrap}",
    "th:first-child,td.text{text-align:left}th:first-child{padding-left:0}th:last-child,"
    "td:last-child{padding-right:.25rem}thead th{font-weight:600;font-size:.8125rem;"
    "color:var(--soft);vertical-align:bottom}tbody th{font-weight:500}",
    "tr.all th,tr.all td{font-weight:650}tr.best th,tr.best td{background:var(--mark);"
    "font-weight:650}tr.best th:first-child{padding-left:.5rem}",
    "td small{display:block;font-size:.75rem;font-weight:400;color:var(--soft)}",
    "td.bar{min-width:7rem}td.bar span{display:block;height:.375rem;margin:.25rem 0 .1rem auto;"
    "border-radius:.2rem;background:var(--bar);min-width:1px}",
    "figure{margin:1.5rem 0}figcaption{font-size:.875rem;color:var(--soft)}",
    ".missing{background:var(--card);border-radius:.5rem;padding:.9rem 1rem;margin:0 0 .5rem}",
    "svg "
    "image{image-rendering:pixelated}svg{display:block;width:100%;height:auto;font-family:inherit}"
    "svg text{font-family:inherit}"
    "svg.tiers{max-width:34rem;margin:0 auto}svg .box{fill:var(--card);stroke:var(--line)}svg "
    ".name{fill:var(--ink);font-weight:600}svg .soft{fill:var(--soft)}svg .text{"
    "fill:var(--ink)}",
    "details{margin:.75rem 0 1.25rem}summary{cursor:pointer;color:var(--accent);"
    "font-size:.9375rem;padding:.25rem 0}",
    "pre{background:var(--card);border-radius:.5rem;padding:1rem;overflow-x:auto;"
    "font:.875rem/1.5 ui-monospace,'SFMono-Regular',Menlo,Consolas,monospace;"
    "white-space:pre-wrap;overflow-wrap:anywhere}",
    "dl.facts{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.35rem "
    "1.5rem;margin:1rem 0;font-size:.9375rem}dl.facts dt{color:var(--soft)}dl.facts dd{"
    "margin:0;overflow-wrap:anywhere}",
    "ul.remarks{padding-left:1.1rem}ul.remarks li{margin:.4rem 0}",
    "@media(max-width:36rem){body{font-size:1rem}header{padding-top:2rem}h1{font-size:1.625rem}"
    ".tiles{grid-template-columns:1fr 1fr}dl.facts{grid-template-columns:1fr;gap:0}dl.facts dd{"
    "margin-bottom:.6rem}th,td{padding:.45rem .6rem}}",
    "@media(prefers-reduced-motion:reduce){html{scroll-behavior:auto}}",
    "@media print{nav,.skip{display:none}body{font-size:10pt}section{break-inside:avoid}}",
    NULL};
