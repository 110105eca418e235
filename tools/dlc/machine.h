// What the operating system says about the machine and about this process.
#pragma once

#include <cstdint>
#include <string>

namespace dlc::cli {

std::string processor_name();  ///< "AMD EPYC 7B13", or "unknown"
std::string governor();        ///< of core 0's frequency: "performance"; "unknown" in most guests
double load_average();         ///< of the last minute
int64_t memory_mb();           ///< of the whole machine

double resident_mb();       ///< of this process, now
double peak_resident_mb();  ///< the most it ever was, or was since reset_peak_resident()
/// False where the kernel does not let a process do that: the peak then covers its whole life.
bool reset_peak_resident();
/// The most that any process this one started and waited for had; 0: there was none.
double peak_resident_mb_of_children();

}  // namespace dlc::cli
