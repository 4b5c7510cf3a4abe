/** image-spec 1.1 image-index.md, property `platform`. Functions on it: `parsePlatform`, `formatPlatform`, … (to come) */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
}
