import { describe, expect, it } from 'vitest';
import { createPeopleDirectory } from '../../../../server/dev/auth-service/people/people-directory.ts';
import {
  employees,
  signInPeople,
  signInPeopleOf,
  staff,
  systemsOf,
} from '../../../../server/dev/auth-service/people/people.ts';

const people = createPeopleDirectory();

const idsOf = (persons: readonly { id: number }[]) => persons.map(({ id }) => id);

describe('seeded people', () => {
  it('the seed has at least 40 staff and 20 employees, whose ids are staff ids too', () => {
    expect(staff.length).toBeGreaterThanOrEqual(40);
    expect(idsOf(employees)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(idsOf(employees).filter((id) => people.staff.find(id) === null)).toEqual([]);
    expect(employees.filter(({ id, email }) => people.staff.find(id)?.email === email)).toEqual([]);
  });

  it('seeded ids have gaps, and ids, e-mails, usernames and company ids are unique', () => {
    expect(Math.max(...idsOf(staff))).toBeGreaterThan(staff.length);
    const allPeople = [...staff, ...employees];
    for (const unique of [idsOf(staff), idsOf(employees)]) expect(new Set(unique).size).toBe(unique.length);
    for (const field of ['email', 'username', 'company_id'] as const) {
      const values = allPeople.map((person) => person[field]);
      expect(values.filter((value, index) => values.indexOf(value) !== index)).toEqual([]);
    }
  });

  it('seeded e-mails, company ids and dates have valid formats', () => {
    for (const { email, company_id, date_joined } of staff) {
      expect(email).toMatch(/^[a-z]+(\.[a-z]+)?@example\.com$/);
      expect(company_id).toMatch(/^MA\d{4}$/);
      expect(Date.parse(date_joined)).toBeGreaterThan(0);
    }
    for (const { email, company_id, created_at } of employees) {
      expect(email).toMatch(/^[a-z]+\.[a-z]+@partners\.example\.com$/);
      expect(company_id).toMatch(/^EM\d{4}$/);
      expect(Date.parse(created_at)).toBeGreaterThan(0);
    }
  });

  it('seeded roles cover all four systems, and one person has roles in all of them', () => {
    expect(new Set(staff.flatMap(systemsOf))).toEqual(new Set(['AMS', 'BMS', 'TTS', 'HDTS']));
    expect(staff.filter((person) => systemsOf(person).length > 1).length).toBeGreaterThan(5);
    expect(staff.some((person) => systemsOf(person).length === 4)).toBe(true);
    expect(staff.some((person) => systemsOf(person).join() === 'AMS')).toBe(true);
    const roles = new Set(staff.flatMap((person) => person.roles.map(({ role }) => role)));
    for (const role of ['Technician', 'Manager', 'Admin', 'Approver', 'User', 'Agent']) expect(roles).toContain(role);
  });

  it('the seed has the TTS technicians of the guide, including John Doe and an inactive one', () => {
    const technicians = people.staffIdsByRole('tts', 'TECHNICIAN');
    expect(technicians).toEqual([1, 5, 12, 23, 31, 123]);
    expect(technicians.filter((id) => people.staff.find(id)?.is_active === false)).toEqual([31]);
  });

  it('the seed covers every outcome of a sign-in', () => {
    expect(staff.filter((person) => person.locked)).toHaveLength(1);
    expect(staff.filter((person) => person.captcha)).toHaveLength(1);
    expect(staff.filter((person) => person.second_factor).length).toBeGreaterThan(0);
    expect(staff.filter((person) => !person.is_active).length).toBeGreaterThan(2);
    expect(people.employees.find(1)?.second_factor).toBe(false);
    expect(people.employees.find(2)?.second_factor).toBe(true);
  });

  it('the people offered for sign-in exist with these passwords', () => {
    for (const { name, email, password, as } of signInPeople) {
      const group: readonly { email: string; password: string; first_name: string; last_name: string }[] =
        as === 'staff' ? staff : employees;
      const person = group.find((candidate) => candidate.email === email);
      expect(person).toMatchObject({ email, password });
      expect(name).toBe(`${person?.first_name} ${person?.last_name}`);
    }
  });

  it('the people offered for sign-in show each outcome, and the deployed dialect says what differs', () => {
    const namesOf = (outcome: string) =>
      signInPeople.filter((person) => person.outcome === outcome).map(({ name }) => name);
    expect(namesOf('refused')).toEqual(['Oluwaseun Adeyemi', 'Beatrice Lang', 'Ursula Brandt']);
    expect(namesOf('one more step')).toEqual(['Rafael Domingo', 'Benjamin Strand', 'Hana Kobayashi']);
    expect(people.employees.byEmail('ursula.brandt@partners.example.com')?.status).toBe('Pending');
    const differing = signInPeopleOf('deployed').filter(({ shows }, index) => shows !== signInPeople[index]?.shows);
    expect(differing.map(({ name }) => name)).toEqual(['Benjamin Strand', 'Beatrice Lang']);
  });
});
