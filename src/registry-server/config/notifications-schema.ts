import { configError } from './config-node.ts';
import {
  boolean,
  duration,
  integer,
  list,
  mapOf,
  optionalSection,
  refine,
  requiredText,
  section,
  text,
} from './readers.ts';

const headerValues = list(text(''));

const url = refine(requiredText, (value, node) => {
  if (URL.canParse(value) && /^https?:/.test(value)) return value;
  throw configError(node, `is ${JSON.stringify(value)}, not a URL of http or https`);
});

const endpoint = refine(
  section({
    name: requiredText,
    disabled: boolean(false),
    url,
    headers: mapOf(headerValues),
    timeout: duration(1000),
    threshold: integer(10),
    backoff: duration(1000),
    ignoredmediatypes: list(requiredText),
    ignore: optionalSection({ mediatypes: list(requiredText), actions: list(requiredText) }),
  }),
  (value, node) => {
    if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$/.test(value.name)) return value;
    // It becomes the name of a folder, where its events wait.
    throw configError(node, `name ${JSON.stringify(value.name)} has other characters than A-Z a-z 0-9 . _ -`);
  },
);

export type NotificationEndpoint = ReturnType<typeof endpoint>;

const readNotifications = section({
  events: section({ includereferences: boolean(false) }),
  endpoints: list(endpoint),
});

/** `notifications` */
export const notificationsSection: typeof readNotifications = (node, context) => {
  const value = readNotifications(node, context);
  const names = value.endpoints.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw configError(node, `there are two endpoints named ${JSON.stringify(twice)}`);
  return value;
};
