import type { ContainerConfig } from '../image/config.ts';

/** What the `--change` lines of import and commit make of a config. @throws HawserError DOCKERFILE_INVALID */
export async function configOfChanges(lines: readonly string[]): Promise<ContainerConfig> {
  if (lines.length === 0) return {};
  const { changeConfig } = await import('../builder/plan/change-config.ts');
  return changeConfig({}, lines);
}
