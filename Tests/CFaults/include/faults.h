#pragma once

// What may go wrong in a process whose answers leave by descriptor 1.
void bred_fault_crash(void);
void bred_fault_endless_work(void);
void bred_fault_silence(void);
void bred_fault_short_answer(void);
void bred_fault_nonsense(void);
