import { useDom } from '../../support/page/dom.ts';
import { useSubscription } from '@trpc/tanstack-react-query';
import { createElement, type FC, StrictMode } from 'react';
import { describe, expect, it, vi } from 'vitest';
import { liveLink } from '../../../client/src/live.ts';
import { useTRPC } from '../../../client/src/react.ts';
import { createFakeStreams } from '../../support/page/fake-streams.ts';
import { failure } from '../../support/page/page-parts.ts';
import { ethansSignIn, startBrowser } from '../../support/page/react-page.ts';

useDom();

const rotation = { system: 'TTS', role: 'Technician' };

/** Renders the state of the stream and the key of the last turn. */
const LastTurn: FC<{ role?: string }> = ({ role = rotation.role }) => {
  const { status, data, error } = useSubscription(
    useTRPC().assignments.onTurn.subscriptionOptions({ ...rotation, role }),
  );
  return `${status} ${data?.data.key ?? 'no turn'}${error ? ` ${failure(error)}` : ''}`;
};

const turn = (key: string) => ({ key, assignee: 5, by: 123, kind: 'assigned', at: new Date(0) });

const openPage = async () => {
  const world = await startBrowser();
  const streams = createFakeStreams();
  const page = world.open({ live: liveLink({ EventSource: streams.EventSource }) });
  await page.client.trpc.session.me.query();
  return { world, streams, page, ...world };
};

describe('useSubscription', () => {
  it('renders each event, in StrictMode with one stream, which closes when the component unmounts', async () => {
    await using world = (await openPage()).world;
    const streams = createFakeStreams();
    const page = world.open({ live: liveLink({ EventSource: streams.EventSource }) });
    page.show(createElement(StrictMode, null, createElement(LastTurn)));
    await page.shows('connecting no turn');
    await vi.waitFor(() => expect(streams.all).toHaveLength(1));
    streams.last().accept();
    await page.shows('pending no turn');
    streams.last().send(turn('T-1'), 'e1');
    await page.shows('pending T-1');
    streams.last().send(turn('T-2'), 'e2');
    await page.shows('pending T-2');
    expect(streams.all).toHaveLength(1);
    page.show();
    await vi.waitFor(() => expect(streams.open()).toEqual([]));
  });

  it('keeps the last event while the stream reconnects, and shows why', async () => {
    const { world, streams, page } = await openPage();
    await using _closed = world;
    page.show(createElement(LastTurn));
    await vi.waitFor(() => expect(streams.all).toHaveLength(1));
    streams.last().accept();
    streams.last().send(turn('T-1'), 'e1');
    await page.shows('pending T-1');
    streams.last().breakOff();
    await page.shows('connecting T-1 network');
  });

  it('opens another stream, and closes the first, when its input changes', async () => {
    const { world, streams, page } = await openPage();
    await using _closed = world;
    page.show(createElement(LastTurn));
    await vi.waitFor(() => expect(streams.all).toHaveLength(1));
    page.show(createElement(LastTurn, { role: 'Admin' }));
    await vi.waitFor(() => expect(streams.all).toHaveLength(2));
    expect(streams.open().map(({ input }) => input)).toEqual([{ ...rotation, role: 'Admin' }]);
  });

  it('shows no event of the previous person to the next', async () => {
    const { world, streams, page, browser } = await openPage();
    await using _closed = world;
    page.show(createElement(LastTurn));
    await vi.waitFor(() => expect(streams.all).toHaveLength(1));
    const johns = streams.last();
    johns.accept();
    await page.shows('pending no turn');
    await browser.trpc.session.login.mutate(ethansSignIn);
    await page.client.session.load();
    johns.send(turn('of John'), 'e1');
    await vi.waitFor(() => expect(streams.all).toHaveLength(2));
    streams.last().accept();
    streams.last().send(turn('of Ethan'), 'e2');
    await page.shows('pending of Ethan');
    expect(page.frames.join()).not.toContain('of John');
    expect(johns.isOpen).toBe(false);
  });

  it('shows the end of the session', async () => {
    const { world, streams, page } = await openPage();
    await using _closed = world;
    page.show(createElement(LastTurn));
    await vi.waitFor(() => expect(streams.all).toHaveLength(1));
    streams.last().accept();
    await page.client.session.signOut();
    await page.shows('error no turn session_ended');
    expect(streams.open()).toEqual([]);
  });
});
