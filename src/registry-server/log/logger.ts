export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

export type LogFormat = 'text' | 'json' | 'logstash';

export interface LoggerOptions {
  /** What is less important is left out; default info. */
  readonly level?: LogLevel | undefined;
  readonly format: LogFormat;
  /** In every line. */
  readonly fields?: LogFields;
  /** Takes a line without its newline. */
  readonly write: (line: string) => void;
}

interface LogRecord {
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** As logrus writes it, registry:2's library: bare words as they are, everything else in quotes. */
function logfmtValue(value: string | number | boolean): string {
  const text = String(value);
  return /^[A-Za-z0-9\-._/@^+]+$/.test(text) ? text : JSON.stringify(text);
}

function definedFields(fields: LogFields): [string, string | number | boolean][] {
  return Object.entries(fields)
    .flatMap(([key, value]): [string, string | number | boolean][] =>
      value === undefined ? [] : [[key, value]],
    )
    .sort(([left], [right]) => (left < right ? -1 : 1));
}

const formats: Readonly<Record<LogFormat, (record: LogRecord) => string>> = {
  text({ time, level, message, fields }) {
    const head = `time="${time}" level=${level === 'warn' ? 'warning' : level} msg=${logfmtValue(message)}`;
    return [head, ...definedFields(fields).map(([key, value]) => `${key}=${logfmtValue(value)}`)].join(' ');
  },
  json({ time, level, message, fields }) {
    const all = { ...Object.fromEntries(definedFields(fields)), level, msg: message, time };
    return JSON.stringify(all);
  },
  logstash({ time, level, message, fields }) {
    const all = {
      ...Object.fromEntries(definedFields(fields)),
      '@timestamp': time,
      '@version': '1',
      level,
      message,
    };
    return JSON.stringify(all);
  },
};

/** Writes one line a message, in one of registry:2's formats (`log.formatter`). */
export function createLogger(options: LoggerOptions): Logger {
  const limit = logLevels.indexOf(options.level ?? 'info');
  const format = formats[options.format];
  return {
    log(level, message, fields = {}) {
      if (logLevels.indexOf(level) > limit) return;
      const time = new Date().toISOString();
      options.write(format({ time, level, message, fields: { ...options.fields, ...fields } }));
    },
  };
}
