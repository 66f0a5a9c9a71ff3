import { createBoundedMap } from '../../platform/bounded-map.ts';
import { createKeyHasher } from '../../platform/key-hasher.ts';
import { type LeaveSystem, type Rotation, systemOf } from '../assignment-store.ts';
import { createPersonSeal, tagBytes } from './person-seal.ts';

export type RotationKeysOptions = {
  /** The prefix of all keys. */
  prefix: string;
  /** The secret from which key names and seals are derived: the same in all replicas of an environment, and only there. */
  sealingSecret: string;
};

/** 132 bits of the keyed hash: enough to exclude collisions. */
const nameLength = 22;
/** Rotations and callers whose names are kept: a keyed hash takes longer than the rest of a call. */
const maxCached = 1_000;

/** The candidates of a call as one text each: their seals in the rotation, and in the leave of its system. */
export type SealedGroup = { people: string; onLeave: string };

const isSameList = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((id, index) => id === b[index]);

/**
 * The Redis keys of rotations, and the encoding of people in them. Redis holds nothing readable: rotations, assignment keys
 * and callers are keyed hashes, and people are sealed. Turns, counts and times are plain numbers, because the scripts
 * compare them.
 */
export const createRotationKeys = ({ prefix, sealingSecret }: RotationKeysOptions) => {
  const keyHasher = createKeyHasher({ sealingSecret });
  const personSeal = createPersonSeal({ sealingSecret });
  const nameOf = (kind: string, value: string) => keyHasher(kind, value).slice(0, nameLength);
  const tagOf = (kind: string, value: string) => Buffer.from(keyHasher(kind, value), 'base64url').subarray(0, tagBytes);

  const describe = (rotation: Rotation) => {
    const name = nameOf('rotation', rotation);
    const tagged = `${prefix}rotation:{${name}}`;
    const system = systemOf(rotation);
    let last: { ids: readonly number[]; group: SealedGroup; idOf: Map<string, number> } | null = null;
    const tag = tagOf('seals of rotation', rotation);
    const leaveTag = tagOf('seals of leave', system);
    return {
      /** Names the rotation in messages between replicas. */
      name,
      /** A hash: the number of the last turn of each sealed person, and the number of all turns in `turns`. */
      turns: `${tagged}:turns`,
      /** The count of new keys in this hour. */
      newKeys: `${tagged}:new-keys`,
      /** A stream of sealed entries. */
      history: `${tagged}:history`,
      /** A hash: until when each sealed person of the system is away, with a sealed note. */
      leave: leaveOf(system),
      /** The sealed assignee of an assignment key, and what a handover needs. */
      turnOf: (assignmentKey: string): string => `${tagged}:key:${nameOf('assignment key', assignmentKey)}`,
      seal: (ids: readonly number[]) => personSeal.seal(tag, ids),
      /** The candidates are mostly those of the last call. */
      sealGroup(ids: readonly number[]): SealedGroup {
        if (last !== null && isSameList(last.ids, ids)) return last.group;
        const sealed = personSeal.seal(tag, ids);
        const group = { people: sealed.join(''), onLeave: personSeal.seal(leaveTag, ids).join('') };
        last = { ids: [...ids], group, idOf: new Map(sealed.map((one, index) => [one, ids[index] ?? 0])) };
        return group;
      },
      /** Throws if the seal was made for another rotation or with another secret. */
      open: (sealed: string): number => last?.idOf.get(sealed) ?? personSeal.open(tag, sealed),
    };
  };

  const leaveOf = (system: LeaveSystem): string => `${prefix}leave:${nameOf('leave', system)}`;
  const described = createBoundedMap<Rotation, ReturnType<typeof describe>>(maxCached);
  const callers = createBoundedMap<string, string>(maxCached);

  /** All keys of a rotation share a hash tag, and therefore a node of a cluster. Only the leave of its system does not. */
  const of = (rotation: Rotation): ReturnType<typeof describe> => {
    const known = described.get(rotation) ?? describe(rotation);
    described.set(rotation, known);
    return known;
  };

  return {
    of,
    /** A hash: the keys and rotations that the caller has added in this hour. */
    caller(by: string): string {
      const known = callers.get(by) ?? `${prefix}assigner:${nameOf('assigner', by)}`;
      callers.set(by, known);
      return known;
    },
    /** The key of a system's leaves, and the field of a person in it. */
    leaveOf: (system: LeaveSystem, id: number): [key: string, field: string] => [
      leaveOf(system),
      personSeal.seal(tagOf('seals of leave', system), [id])[0] ?? '',
    ],
    /** A repeat key of a handover. */
    repeat: (repeatKey: string): string => nameOf('handover', repeatKey),
    seal: (rotation: Rotation, ids: readonly number[]): string[] => of(rotation).seal(ids),
    open: (rotation: Rotation, sealed: string): number => of(rotation).open(sealed),
  };
};

export type RotationKeys = ReturnType<typeof createRotationKeys>;
