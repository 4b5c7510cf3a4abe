import type { ExploredImage } from '../layers/explore-image.ts';
import type { TreeName } from '../layers/image-tree.ts';
import { textOf } from '../util/byte-string.ts';
import { explorePageScript } from './explore-page-script.ts';
import { explorePageStyle } from './explore-page-style.ts';
import { escapeHtml, jsonForScript, pagePolicy } from './html.ts';

/** A file, or a folder with `c`; `l` is the number of its layer, 0 for a bundle of small files of several. */
interface PageNode {
  readonly n: string;
  readonly s: number;
  readonly l: number;
  readonly c?: readonly PageNode[];
}

/** Beyond so many files a browser gets slow, and the smallest cannot be seen anyhow. */
const wholeUpTo = 20_000;
const shownWaste = 500;

class PageTree {
  readonly #seen = new Set<number>();
  readonly #smallest: number;

  /** @param smallest Bytes; smaller files of a folder are bundled. */
  constructor(smallest: number) {
    this.#smallest = smallest;
  }

  node(name: TreeName): PageNode {
    const { file } = name;
    const n = textOf(name.name);
    if (!file.isFolder) return { n, s: this.#sizeOf(name), l: file.layer + 1 };
    const all = Array.from(name.children(), child => this.node(child));
    const isSmall = (node: PageNode) => node.c === undefined && node.s < this.#smallest;
    const small = all.filter(isSmall);
    const c = small.length < 2 ? all : [...all.filter(node => !isSmall(node)), bundleOf(small)];
    return { n, s: c.reduce((sum, node) => sum + node.s, 0), l: file.layer + 1, c };
  }

  /** A file with several names counts by the first. */
  #sizeOf({ file }: TreeName): number {
    if (file.links > 1) {
      if (this.#seen.has(file.id)) return 0;
      this.#seen.add(file.id);
    }
    return file.size;
  }
}

function bundleOf(small: readonly PageNode[]): PageNode {
  const [first] = small;
  const isOneLayer = small.every(({ l }) => l === first?.l);
  const s = small.reduce((sum, node) => sum + node.s, 0);
  return { n: `(${small.length} small files)`, s, l: isOneLayer ? (first?.l ?? 0) : 0 };
}

/** A page that needs nothing but itself: no request leaves it, and its policy forbids any. */
export function explorePage(image: ExploredImage, name: string): string {
  const files = image.layers.reduce((sum, layer) => sum + layer.files, 0);
  const pages = new PageTree(files > wholeUpTo ? image.content / wholeUpTo : 0);
  const facts = {
    name,
    content: image.content,
    waste: image.waste,
    layers: image.layers,
    wasted: image.wasted.slice(0, shownWaste),
    wastedCount: image.wasted.length,
    tree: pages.node(image.root),
  };
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${pagePolicy}">
<title>${escapeHtml(name)} – layers</title>
<style>${explorePageStyle}</style>
</head>
<body>
<header><h1>${escapeHtml(name)}</h1><div id="facts"></div></header>
<main>
<section id="side" aria-label="Layers">
<h2>Layers <small>from the top; click one to see its files alone</small></h2>
<ol id="layers"></ol>
</section>
<section id="files" aria-label="Files">
<nav><div id="path"></div><input id="find" type="search" placeholder="Find a path" aria-label="Find a path"></nav>
<div id="map"></div>
<p id="hint" role="status"></p>
</section>
</main>
<section id="waste"><h2>Waste <small>in the image, and seen by nobody</small></h2><table><thead><tr><th>Size</th><th>Path</th><th>In layer</th><th>Hidden by layer</th></tr></thead><tbody></tbody></table></section>
<div id="tip" hidden></div>
<script type="application/json" id="data">${jsonForScript(facts)}</script>
<script>${explorePageScript}</script>
</body>
</html>
`;
}
