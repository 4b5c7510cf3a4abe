/** The levels that are used unless one is asked for: gzip's own default, and zstd's. */
export const defaultLevels = { gzip: 6, zstd: 3 } as const;
