import type { Employee } from './people.ts';

const EMPLOYEE_PASSWORD = 'employee-pass-1';

const plain = (name: string): string =>
  name
    .replaceAll('ł', 'l')
    .normalize('NFD')
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '');

const day = (year: number, id: number): string =>
  new Date(Date.UTC(year, id % 12, 1 + id, 2, (id * 3) % 60, id))
    .toISOString()
    .replace('.000Z', `.${String((id * 104_729) % 1_000_000).padStart(6, '0')}Z`);

const employee = (
  id: number,
  first_name: string,
  last_name: string,
  department: string,
  rest: Partial<Employee> = {},
): Employee => {
  const username = `${plain(first_name)}.${plain(last_name)}`;
  return {
    id,
    email: `${username}@partners.example.com`,
    first_name,
    middle_name: null,
    last_name,
    suffix: null,
    username,
    phone_number: `+63917555${1000 + id * 37}`,
    company_id: `EM${String(id).padStart(4, '0')}`,
    department,
    status: 'active',
    created_at: day(2022, id),
    updated_at: day(2024, id),
    last_login: day(2025, id),
    profile_picture: id % 3 === 0 ? `/media/employees/${id}.png` : null,
    password: EMPLOYEE_PASSWORD,
    second_factor: false,
    ...rest,
  };
};

export const employees: readonly Employee[] = [
  employee(1, 'Alice', 'Navarro', 'Sales', { middle_name: 'Marie' }),
  employee(2, 'Benjamin', 'Strand', 'Sales', { second_factor: true }),
  employee(3, 'Catarina', 'Melo', 'Marketing'),
  employee(4, 'Dmitri', 'Volkov', 'Production', { status: 'inactive' }),
  employee(5, 'Esther', 'Kiplagat', 'Production', { middle_name: 'Jepkosgei' }),
  employee(6, 'Fernando', 'Aquino', 'Logistics', { suffix: 'Jr.' }),
  employee(7, 'Gwen', 'Pritchard', 'Marketing'),
  employee(8, 'Hassan', 'Karimi', 'Production', { last_login: null }),
  employee(9, 'Ines', 'Ferreira', 'Research', { status: 'on_leave' }),
  employee(10, 'Jamal', 'Whitaker', 'Research', { suffix: 'III' }),
  employee(11, 'Katarzyna', 'Wójcik', 'Logistics'),
  employee(12, 'Lorenzo', 'Bianchi', 'Sales'),
  employee(13, 'Maya', 'Goldberg', 'Customer Care', { second_factor: true }),
  employee(14, 'Nikhil', 'Deshpande', 'Customer Care'),
  employee(15, 'Olga', 'Jensen', 'Production'),
  employee(16, 'Pablo', 'Quispe', 'Logistics', { middle_name: 'Andrés' }),
  employee(17, 'Rania', 'Mansour', 'Research'),
  employee(18, 'Sean', 'Gallagher', 'Sales', { status: 'inactive' }),
  employee(19, 'Thandiwe', 'Dlamini', 'Customer Care'),
  employee(20, 'Ursula', 'Brandt', 'Production', { status: 'Pending', last_login: null }),
];
