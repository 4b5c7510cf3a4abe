import { humanSize } from './human.ts';

/** `[=====>    ]` */
export function progressBar(done: number, total: number, width = 30): string {
  const filled = total === 0 ? width : Math.min(width, Math.floor((done / total) * width));
  return `[${'='.repeat(filled)}${filled < width ? '>' : ''}${' '.repeat(Math.max(0, width - filled - 1))}]`;
}

/** `[===>   ] 3MB / 10MB`, or the size alone where nobody knows the end. */
export function progressText(done: number, total: number | undefined, width: number): string {
  if (total === undefined) return humanSize(done);
  const sizes = `${humanSize(done)} / ${humanSize(total)}`;
  return width < 40 ? sizes : `${progressBar(done, total, Math.min(30, width - 30))} ${sizes}`;
}
