/** Rows of the size of tickets, until those are there. */
export const TicketSkeleton = ({ rows }: { rows: number }) => (
  <ul className="tickets" aria-hidden="true">
    {Array.from({ length: rows }, (_, row) => (
      // oxlint-disable-next-line react/no-array-index-key -- they are all alike
      <li className="ticket" key={row}>
        <span className="bone bone-id" />
        <span className="bone bone-title" />
        <span className="bone bone-badge" />
        <span className="ticket-people">
          <span className="bone bone-person" />
        </span>
        <span className="bone bone-age" />
      </li>
    ))}
  </ul>
);
