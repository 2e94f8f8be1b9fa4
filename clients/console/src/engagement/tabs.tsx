import { Link } from '../router.js';

const TABS = [
  ['/engagement', 'Over time'],
  ['/engagement/live', 'Live'],
  ['/engagement/compare', 'Compare'],
] as const;

/** The pages about engagement. */
export function EngagementTabs({ current }: { current: (typeof TABS)[number][0] }) {
  return (
    <nav aria-label="Engagement" className="tabs">
      {TABS.map(([path, title]) => (
        <Link key={path} to={path} className="tab" aria-current={path === current ? 'page' : undefined}>
          {title}
        </Link>
      ))}
    </nav>
  );
}
