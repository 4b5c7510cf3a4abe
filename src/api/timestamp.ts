/** RFC 3339 in whole seconds, as Kubernetes writes times. */
export function timestampOf(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}
