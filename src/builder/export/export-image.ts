import { formatReference, parseReference, withDefaultTag } from '../../image/reference.ts';
import type { Predicate } from '../attest/statement.ts';
import type { Workspace } from '../execute/workspace.ts';
import type { BuildObserver } from '../observer.ts';
import { formImage } from './form-image.ts';
import { type Annotation, type BuildOutput, type ImageForm, type ImageOutput, isFiles } from './output.ts';
import type { Attestation, FormedImage, PlatformImage, StoreWork } from './platform-image.ts';

/** Brings an image to a registry; the command wires a registry client in. */
export type PushImage = (
  target: { readonly name: string; readonly byDigest: boolean; readonly plainHttp: boolean },
  work: Pick<StoreWork, 'store' | 'signal'> & {
    readonly image: FormedImage;
    readonly attestations: readonly Attestation[];
    readonly onProgress: (progress: { readonly done: number; readonly total: number }) => void;
  },
) => Promise<void>;

export interface ExportWork extends StoreWork {
  readonly workspace: Workspace;
  readonly images: readonly PlatformImage[];
  /** Several platforms, or an index that is wanted all the same. */
  readonly isIndex: boolean;
  /** Full references. */
  readonly names: readonly string[];
  /** `--annotation` */
  readonly annotations: readonly Annotation[];
  readonly push: PushImage | undefined;
  /** What is to be said of each image; undefined for nothing. */
  readonly predicatesOf: ((part: PlatformImage) => Promise<readonly Predicate[]>) | undefined;
  readonly observer: BuildObserver;
}

/** Pushed layers are compressed, where nothing else is said. */
const pushedForm: ImageForm = { compression: 'gzip' };

/** Takes the result of a build to all its places, each form of it being made once. */
export class Exporter {
  readonly #work: ExportWork;
  readonly #formed = new Map<string, Promise<FormedImage>>();

  constructor(work: ExportWork) {
    this.#work = work;
  }

  /** @returns the image as its first output has it, and the names that it has there */
  async run(
    outputs: readonly BuildOutput[],
  ): Promise<{ readonly image: FormedImage; readonly names: readonly string[] }> {
    const wanted: readonly BuildOutput[] = outputs.length === 0 ? [{ type: 'image', push: false }] : outputs;
    for (const output of wanted) await this.#write(output);
    const first = wanted.find(output => !isFiles(output));
    if (first === undefined) return { image: await this.#form({}), names: this.#work.names };
    return { image: await this.#formFor(first), names: this.#namesOf(first) };
  }

  /** The image in the form that its output wants. */
  #formFor(output: BuildOutput): Promise<FormedImage> {
    if (isFiles(output)) return this.#form({});
    const isPushed = output.type === 'image' && output.push;
    return this.#form({ ...(isPushed ? pushedForm : {}), ...output.form });
  }

  #form(form: ImageForm): Promise<FormedImage> {
    const key = JSON.stringify(form);
    let formed = this.#formed.get(key);
    if (formed === undefined) {
      const annotations = [...this.#work.annotations, ...(form.annotations ?? [])];
      formed = formImage(this.#work.images, { ...form, annotations }, this.#work);
      this.#formed.set(key, formed);
    }
    return formed;
  }

  #namesOf(output: BuildOutput): readonly string[] {
    if (isFiles(output) || output.names === undefined) return this.#work.names;
    return output.names.map(name => formatReference(withDefaultTag(parseReference(name))));
  }

  async #write(output: BuildOutput): Promise<void> {
    if (isFiles(output)) {
      const { writeFiles } = await import('./write-files.ts');
      return writeFiles(output, this.#work);
    }
    if (output.type === 'image') return this.#writeImage(output);
    const { writeImageArchive } = await import('./image-archive.ts');
    const image = await this.#formFor(output);
    const names = this.#namesOf(output);
    const attestations = await this.#attest(image, names);
    return writeImageArchive(output, { ...this.#work, image, names, attestations });
  }

  async #writeImage(output: ImageOutput): Promise<void> {
    const image = await this.#formFor(output);
    const names = this.#namesOf(output);
    const attestations = await this.#attest(image, names);
    if (output.store !== false) {
      await this.#nameImage(image, names, output);
      for (const { subject, manifest } of attestations) {
        const { addReferrer } = await import('../../content/referrers.ts');
        await addReferrer(this.#work.store, { subject: subject.digest, manifest }, this.#work.lease);
      }
    }
    if (!output.push) return;
    for (const name of names) await this.#push(name, { image, attestations }, output);
  }

  async #attest(image: FormedImage, names: readonly string[]): Promise<readonly Attestation[]> {
    const { predicatesOf } = this.#work;
    if (predicatesOf === undefined) return [];
    const { attestImage } = await import('../attest/attest-image.ts');
    const made: Attestation[] = [];
    for (const part of image.parts)
      made.push(...(await attestImage(part, await predicatesOf(part), { ...this.#work, names })));
    return made;
  }

  /** Without a name it stands under its digest. A name that stands for it already costs no write. */
  async #nameImage(
    { descriptor }: FormedImage,
    names: readonly string[],
    output: ImageOutput,
  ): Promise<void> {
    const { references } = this.#work.store;
    const canonical =
      output.canonical === true ? names.map(name => canonicalName(name, descriptor.digest)) : [];
    for (const name of names.length === 0 ? [descriptor.digest] : [...names, ...canonical]) {
      const present = await references.get(name);
      if (present?.digest !== descriptor.digest) await references.set(name, descriptor);
    }
  }

  async #push(
    name: string,
    what: { readonly image: FormedImage; readonly attestations: readonly Attestation[] },
    output: ImageOutput,
  ): Promise<void> {
    const { push, observer, store, signal } = this.#work;
    if (push === undefined) throw new Error('no registry client is wired in');
    const vertex = { id: `push ${name}`, name: `pushing ${name}` };
    observer.vertexStarted(vertex);
    try {
      const { byDigest = false, plainHttp = false } = output;
      await push(
        { name, byDigest, plainHttp },
        {
          store,
          signal,
          ...what,
          onProgress: progress => observer.vertexProgress?.(vertex, { what: 'pushing', ...progress }),
        },
      );
      observer.vertexDone(vertex);
    } catch (error) {
      observer.vertexFailed(vertex, error);
      throw error;
    }
  }
}

function canonicalName(name: string, digest: string): string {
  const { domain, path } = parseReference(name);
  return `${formatReference({ domain, path })}@${digest}`;
}
