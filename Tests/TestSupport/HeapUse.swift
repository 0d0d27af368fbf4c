#if canImport(Glibc)
  import Glibc
#endif

/// Bytes that the process has from the allocator at the moment; 0 where there is no way to ask.
public func heapBytesInUse() -> Int {
  #if canImport(Glibc)
    let info = mallinfo2()
    return Int(info.uordblks) + Int(info.hblkhd)
  #else
    return 0
  #endif
}
