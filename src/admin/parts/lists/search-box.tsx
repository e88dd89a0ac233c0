import { TextInput } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import type { ListState } from './list-state.js';

const pauseMs = 150;

/** Searches as one types; the URL holds the text as `q`. The key "/" leads here. */
export function SearchBox({ list, placeholder }: { list: ListState; placeholder: string }) {
  const stored = list.parameters.get('q') ?? '';
  const [text, setText] = useState(stored);
  const sent = useRef(stored);
  // Another way to change the URL, such as "back", counts; the echo of what was typed does not.
  useEffect(() => {
    if (stored !== sent.current) {
      sent.current = stored;
      setText(stored);
    }
  }, [stored]);
  const setRef = useRef(list.set);
  setRef.current = list.set;
  useEffect(() => {
    if (text === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = text;
      setRef.current({ q: text || null }, { replaces: true });
    }, pauseMs);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <TextInput
      type="search"
      className="search"
      aria-label="Search"
      placeholder={placeholder}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      data-search
      dir="auto"
    />
  );
}
