/// Stops the program with a message where `condition` does not hold.
///
/// `precondition` stops an optimised program without saying why; those who train use no other. For errors of
/// whoever writes a loss: shapes that do not fit, variables kept too long.
@inline(__always)
package func require(_ condition: Bool, _ message: @autoclosure () -> String) {
  if !condition { refuse(message()) }
}

/// Stops the program with a message, in optimised builds too.
@inline(never)
package func refuse(_ message: String) -> Never { fatalError(message) }
