import type { Role, Staff } from './people.ts';

const STAFF_PASSWORD = 'staff-pass-1';

const ams = (role: string): Role => ({ system: 'AMS', role });
const bms = (role: string): Role => ({ system: 'BMS', role });
const tts = (role: string): Role => ({ system: 'TTS', role });
const hdts = (role: string): Role => ({ system: 'HDTS', role });

const plain = (name: string): string =>
  name
    .normalize('NFD')
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '');

const joined = (id: number): string =>
  new Date(Date.UTC(2019, id % 12, 1 + (id % 28), 1 + (id % 9), id % 60, (id * 7) % 60))
    .toISOString()
    .replace('.000Z', `.${String((id * 7919) % 1_000_000).padStart(6, '0')}Z`);

const person = (
  id: number,
  first_name: string,
  last_name: string,
  department: string,
  position: string | null,
  roles: readonly Role[],
  rest: Partial<Staff> = {},
): Staff => {
  const username = `${plain(first_name)}.${plain(last_name)}`;
  return {
    id,
    email: `${username}@example.com`,
    first_name,
    middle_name: null,
    last_name,
    suffix: null,
    username,
    phone_number: `+63918444${1000 + id}`,
    company_id: `MA${String(id * 37 + 1).padStart(4, '0')}`,
    department,
    position,
    status: 'Approved',
    is_active: true,
    is_staff: false,
    is_superuser: false,
    date_joined: joined(id),
    last_login: null,
    profile_picture: id % 5 === 0 ? `/media/profile_pics/${id}.png` : null,
    roles,
    password: STAFF_PASSWORD,
    second_factor: false,
    locked: false,
    captcha: false,
    ...rest,
  };
};

const inactive = { is_active: false };

// Ids 1 to 20 are employee ids too. Round-robin over TTS technicians: 1, 5, 12, 23, 31 (inactive), 123.
export const staff: readonly Staff[] = [
  person(1, 'Maria', 'Santos', 'IT Operations', 'Technician II', [tts('Technician')]),
  person(2, 'Ethan', 'Caldwell', 'IT Operations', 'Service Manager', [tts('Manager')]),
  person(3, 'Priya', 'Raman', 'Help Desk', 'Help Desk Agent', [hdts('Agent')]),
  person(4, 'Tomás', 'Herrera', 'Facilities', 'Asset Custodian', [ams('User')]),
  person(5, 'Kwame', 'Mensah', 'IT Operations', 'Technician I', [tts('Technician'), hdts('Agent')]),
  person(6, 'Ingrid', 'Solberg', 'IT Operations', 'Head of IT', [
    ams('Admin'),
    bms('Admin'),
    tts('Admin'),
    hdts('Admin'),
  ]),
  person(7, 'Rafael', 'Domingo', 'IT Operations', 'Shift Manager', [tts('Manager'), bms('Approver')], {
    second_factor: true,
  }),
  person(8, 'Beatrice', 'Lang', 'Finance', 'Analyst', [bms('User')], inactive),
  person(9, 'Oluwaseun', 'Adeyemi', 'Facilities', 'Asset Manager', [ams('Manager')], { locked: true }),
  person(10, 'Hana', 'Kobayashi', 'Help Desk', 'Help Desk Manager', [hdts('Manager')], { captcha: true }),
  person(11, 'Liam', "O'Brien", 'Finance', 'Budget Officer', [bms('Manager')]),
  person(12, 'Nguyễn', 'Thị Hà', 'IT Operations', 'Technician III', [tts('Technician'), ams('User')]),
  person(13, 'Carlos', 'Villanueva', 'Procurement', 'Buyer', [ams('User'), bms('User')]),
  person(14, 'Fatima', 'Zahra', 'Finance', 'Controller', [bms('Approver')]),
  person(15, 'Jonas', 'Weber', 'IT Operations', 'System Administrator', [tts('Admin'), ams('Admin')]),
  person(16, 'Grace', 'Owusu', 'Help Desk', 'Help Desk Agent', [hdts('Agent')]),
  person(17, 'Mikhail', 'Petrov', 'Warehouse', 'Stock Keeper', [ams('User')], inactive),
  person(18, 'Aisha', 'Rahman', 'Human Resources', 'HR Partner', [tts('User'), hdts('User')]),
  person(19, 'Noah', 'Fitzgerald', 'Help Desk', 'Help Desk Agent', [hdts('Agent'), tts('User')]),
  person(20, 'Zoë', 'van der Berg', 'Finance', 'Accountant', [bms('User')]),
  person(23, 'Daniel', 'Reyes', 'IT Operations', 'Technician I', [tts('Technician')]),
  person(24, 'Sofia', 'Lindqvist', 'Procurement', 'Head of Procurement', [bms('Approver'), ams('Manager')]),
  person(26, 'Arjun', 'Mehta', 'Facilities', 'Facilities Engineer', [ams('User'), tts('User')]),
  person(27, 'Chloe', 'Dubois', 'Finance', 'Analyst', [bms('User')]),
  person(31, 'Peter', 'Novak', 'IT Operations', 'Technician II', [tts('Technician')], inactive),
  person(33, 'Leilani', 'Kealoha', 'Help Desk', 'Help Desk Agent', [hdts('Agent')]),
  person(34, 'Marcus', 'Bell', 'IT Operations', 'Network Specialist', [tts('Specialist')]),
  person(38, 'Yuki', 'Tanaka', 'IT Operations', 'Network Specialist', [tts('Specialist'), ams('User')]),
  person(40, 'Amara', 'Nwosu', 'Human Resources', 'Recruiter', [tts('User')]),
  person(42, 'Victor', 'Almeida', 'Security', null, []),
  person(45, 'Elena', 'Popescu', 'Finance', 'Treasurer', [bms('Manager'), bms('Approver')]),
  person(47, 'Samuel', 'Otieno', 'Warehouse', 'Stock Keeper', [ams('User')]),
  person(51, 'Isabel', 'Cruz', 'Human Resources', 'HR Manager', [tts('Manager'), hdts('User')]),
  person(56, 'Henrik', 'Dahl', 'Facilities', 'Asset Manager', [ams('Manager')]),
  person(58, 'Ruth', 'Abrams', 'Legal', 'Counsel', [bms('Approver'), tts('User')]),
  person(60, 'Diego', 'Fuentes', 'Help Desk', 'Help Desk Agent', [hdts('Agent')], inactive),
  person(64, 'Mei', 'Chen', 'Finance', 'Analyst', [bms('User')]),
  person(71, 'Patrick', 'Doyle', 'Facilities', 'Caretaker', [ams('User')]),
  person(77, 'Sana', 'Iqbal', 'IT Operations', 'Developer', [tts('User'), ams('User'), bms('User')]),
  person(80, 'Lucas', 'Moreau', 'Procurement', 'Buyer', [ams('User')]),
  person(88, 'Nadia', 'Haddad', 'Help Desk', 'Knowledge Manager', [hdts('Manager'), tts('User')]),
  person(99, 'Gabriel', 'Costa', 'Finance', 'Accountant', [bms('User')], inactive),
  person(101, 'Wanjiru', 'Kamau', 'IT Operations', 'Release Manager', [tts('Manager'), ams('Admin')]),
  person(110, 'Stefan', 'Ionescu', 'Warehouse', 'Logistics Lead', [ams('Manager')]),
  person(118, 'Camille', 'Laurent', 'Help Desk', 'Help Desk Agent', [hdts('Agent')], { second_factor: true }),
  person(123, 'John', 'Doe', 'IT Operations', 'Technician I', [tts('Technician'), ams('User')], {
    email: 'user@example.com',
    company_id: 'MA0001',
  }),
  person(130, 'Farah', 'Siddiqui', 'Finance', 'Budget Officer', [bms('Manager')]),
];

const firstOfCrowd = 2_000_001;
const sizeOfCrowd = 1_000_000;

/** One million more people, generated on lookup, for tests and benchmarks that need many users. They are in no list and cannot sign in. */
export const crowdMember = (id: number): Staff | null =>
  Number.isInteger(id) && id >= firstOfCrowd && id < firstOfCrowd + sizeOfCrowd
    ? person(id, 'Somebody', `No ${id}`, 'Everywhere', null, [tts('User')], { email: `somebody.${id}@example.com` })
    : null;
