import { Icon } from './icon.tsx';
import type { View } from './use-view.ts';

const words = {
  tickets: { label: 'Tickets', icon: 'ticket' },
  turns: { label: 'Turns', icon: 'turn' },
  lab: { label: 'Lab', icon: 'lab' },
  account: { label: 'Account', icon: 'user' },
} as const;

type ViewNavProps = { views: readonly View[]; current: View };

/** Only on narrow pages; a wide page shows all parts. */
export const ViewNav = ({ views, current }: ViewNavProps) => (
  <nav className="view-nav" aria-label="Parts of the desk">
    {views.map((view) => (
      <a key={view} href={`#${view}`} aria-current={view === current ? 'page' : undefined}>
        <Icon name={words[view].icon} />
        {words[view].label}
      </a>
    ))}
  </nav>
);
