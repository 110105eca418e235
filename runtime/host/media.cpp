// Loading of libdlc-media.so.
#include "runtime/host/media.h"

#include "runtime/module.h"

namespace dlc::host {

const Media& media() {
  using Get = const Media* (*)();
  static const Media& loaded =
      *reinterpret_cast<Get>(module_function("libdlc-media.so", "dlc_media"))();
  return loaded;
}

}  // namespace dlc::host
