import { Kbd, Modal, Table } from '@mantine/core';
import { places } from './places.js';

/** The keys of the page. */
export function Help({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const rows = [
    [['Ctrl', 'K'], 'Find a tenant, a screen or an action'],
    [['/'], 'Search in the list'],
    [['?'], 'This help'],
    ...places.map(({ key, label }) => [['g', key], `Go to ${label}`] as const),
  ] as const;
  return (
    <Modal opened={isOpen} onClose={onClose} title="Keyboard" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Table>
        <Table.Tbody>
          {rows.map(([keys, meaning]) => (
            <Table.Tr key={meaning}>
              <Table.Td w={120}>
                {keys.map((key) => (
                  <Kbd key={key} mr={4}>
                    {key}
                  </Kbd>
                ))}
              </Table.Td>
              <Table.Td>{meaning}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}
