import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import './notice.css';

interface NoticeProps {
  tone?: 'warning' | 'bad';
  title?: ReactNode;
  children: ReactNode;
}

/** Something to know, with its weight by color. It was there when the screen opened; what appears later is an ErrorCard. */
export function Notice({ tone, title, children }: NoticeProps) {
  return (
    <div className={tone ? `notice notice-${tone}` : 'notice'}>
      {title && (
        <Text size="sm" fw={600} dir="auto" className="wrap">
          {title}
        </Text>
      )}
      {children}
    </div>
  );
}
