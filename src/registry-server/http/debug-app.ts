import type { AppListener } from './app.ts';

export interface DebugOptions {
  /** What is wrong, by check. */
  readonly problems: ReadonlyMap<string, string>;
  /** Where metrics are, and what they are; undefined for none. */
  readonly metrics: { readonly path: string; readonly render: () => string } | undefined;
}

function json(status: number, value: unknown) {
  return { status, type: 'application/json; charset=utf-8', body: JSON.stringify(value) };
}

function answerTo(path: string, options: DebugOptions) {
  if (path === options.metrics?.path) {
    return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: options.metrics.render() };
  }
  switch (path) {
    case '/debug/health': {
      const problems = Object.fromEntries(options.problems);
      return json(options.problems.size === 0 ? 200 : 503, problems);
    }
    case '/debug/vars':
      return json(200, { memory: process.memoryUsage(), uptime: process.uptime(), cpu: process.cpuUsage() });
    default:
      return json(404, {
        message: 'There are /debug/health, /debug/vars, and the metrics where they are enabled.',
      });
  }
}

/** What registry:2 has at `http.debug.addr`: health, metrics, memory. */
export function createDebugApp(options: DebugOptions): AppListener {
  return (request, response) => {
    const { status, type, body } = answerTo((request.url ?? '').split('?', 1)[0] ?? '', options);
    request.resume();
    response.setHeader('Content-Type', type);
    response.setHeader('Content-Length', Buffer.byteLength(body));
    response.writeHead(status);
    if (request.method === 'HEAD') response.end();
    else response.end(Buffer.from(body));
  };
}
