import { join } from 'node:path';
import type { BuildEnvironment, ImageSource } from '../builder/environment.ts';
import type { BuildObserver } from '../builder/observer.ts';
import type { LayoutStore } from '../content/store.ts';
import type { Roots } from '../util/roots.ts';
import { sweepLeft } from './sweep-left.ts';

/** Base images from registries: manifest and config when they are asked for, layers when their files are. */
function registrySource(store: LayoutStore): ImageSource {
  return {
    async resolve(reference, options) {
      return (await import('./pull-base.ts')).pullBase(store, reference, options);
    },
    async fetchLayers(reference, image, options) {
      await (await import('./pull-base.ts')).pullBaseLayers(store, { reference, image }, options);
    },
  };
}

/** What a build works with, wired; what a cached build does not need is loaded when it is asked for. */
export function buildEnvironment(
  roots: Roots,
  options: {
    readonly store: LayoutStore;
    readonly observer: BuildObserver;
    readonly isolation: 'auto' | 'oci' | 'chroot';
    readonly signal: AbortSignal;
    readonly debugShell?: BuildEnvironment['debugShell'];
  },
): BuildEnvironment {
  return {
    ...options,
    cacheRoot: join(roots.root, 'build-cache'),
    run: roots.run,
    sweepLeft: () => sweepLeft(roots),
    openSnapshotter: async () => (await import('./prepare-image.ts')).openSnapshots(roots),
    loadRunStep: async () => (await import('../runtime/run-step.ts')).runStep,
    images: registrySource(options.store),
    openUploads: async target => (await import('./cache-registry.ts')).openUploads(target),
    pushImage: async (target, work) => (await import('./push-built.ts')).pushBuilt(target, work),
    pushCache: async (target, artifact) => (await import('./cache-registry.ts')).pushCache(target, artifact),
  };
}
