/** Placeholder rows with the size of tickets. */
export const TicketSkeleton = ({ rows }: { rows: number }) => (
  <ul className="tickets" aria-hidden="true">
    {Array.from({ length: rows }, (_, row) => (
      // oxlint-disable-next-line react/no-array-index-key -- all rows are the same
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
