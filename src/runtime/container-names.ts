import { randomBytes, randomInt } from 'node:crypto';
import { HawserError } from '../errors/hawser-error.ts';

const adjectives = (
  'able brave bright brisk calm clear clever cool crisp deft eager early fair firm fleet fond free fresh gentle glad ' +
  'golden grand handy happy hardy keen kind lively loyal lucky merry mild neat nimble noble patient plain polite proud ' +
  'quick quiet ready rosy royal safe sharp silent silver sleek smart snug solid sound spry stable steady still stout ' +
  'sturdy sunny sure swift tender tidy trim true trusty vivid warm wise witty'
).split(' ');

const nouns = (
  'anchor anvil beacon binnacle boom bosun bow bowline bridge brig buoy cable canoe capstan cleat clipper compass cutter ' +
  'davit deck dinghy dory drifter ferry fender frigate galley gangway halyard harbor hatch hawse hawser helm hull jetty ' +
  'jib kayak keel ketch lantern lighter locker lugger mast mizzen mooring oar packet pennant pier pilot pinnace porthole ' +
  'quay rigging rope rudder sail schooner sextant shackle sheave skiff sloop spar stern tackle tender thwart tiller tug ' +
  'winch windlass yacht yard yawl'
).split(' ');

/** 64 hexadecimal digits. */
export function newContainerID(): string {
  return randomBytes(32).toString('hex');
}

/** e.g. `swift_halyard`; with a number where those without were taken. */
export function randomContainerName(attempt: number): string {
  const word = `${adjectives[randomInt(adjectives.length)]}_${nouns[randomInt(nouns.length)]}`;
  return attempt < 3 ? word : `${word}${randomInt(1000)}`;
}

/** @throws HawserError INVALID_ARGUMENT */
export function checkContainerName(name: string): string {
  const plain = name.startsWith('/') ? name.slice(1) : name;
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/.test(plain)) return plain;
  throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(name)} is not a container name`, {
    remedy: 'Use 2 to 128 letters, digits, _ . and -, the first a letter or digit.',
    exitCode: 125,
  });
}
