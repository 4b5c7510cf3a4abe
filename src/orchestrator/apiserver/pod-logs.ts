import type { Pod } from '../../api/pod.ts';

export interface PodLogRequest {
  readonly pod: Pod;
  readonly container: string;
  /** The instance before the latest. */
  readonly previous: boolean;
  readonly follow: boolean;
  /** Lines. */
  readonly tail?: number | undefined;
  /** RFC 3339 */
  readonly since?: string | undefined;
  readonly timestamps: boolean;
  readonly signal: AbortSignal;
}

/** What the API needs of the node on which a pod runs. */
export interface PodLogSource {
  /** Undefined where there is no such instance. */
  openLog(request: PodLogRequest): Promise<AsyncIterable<Uint8Array> | undefined>;
}
