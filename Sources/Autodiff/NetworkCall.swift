import DenseMath

/// One call of a stack of networks within an update.
package struct NetworkCall {
  unowned(unsafe) let stack: NetworkStack
  unowned(unsafe) let tape: Tape
  /// Inputs side by side, `[rows, inputs]`.
  let inputs: Floats
  /// Outputs of all members side by side, `[rows, members · outputs]`.
  let outputs: Floats
  let rows: Int
  /// Which members take part; `nil`: all.
  let list: UnsafePointer<Int32>?
  let members: Int
  let usesTarget: Bool
  /// Whether the parameters get a gradient.
  let trains: Bool
  /// Arguments: node and number of columns.
  let first: (node: Int, columns: Int)
  let second: (node: Int, columns: Int)
  /// Activations of each piece, one after the other, or `nil` where nothing goes backward.
  var hidden: Floats?
  /// With layer norm: normalised sums, laid out like `hidden`, and 1/σ of each row and layer.
  var normal: Floats?
  var inverse: Floats?
  /// ∂loss/∂outputs, set while going backward.
  var outputGradient: Floats?
  /// ∂loss/∂(columns of the inputs), `[members, rows, columns]`, set while going backward.
  var inputGradient: Floats?
  var inputColumns = 0..<0
  /// Hidden units that are left out; `nil`: none.
  var dropout: Dropout?

  /// Dropout of the hidden units (Srivastava et al. 2014): h ← h·1(u ≥ p)/(1 − p), u uniform.
  struct Dropout {
    /// u, `[rows, hidden units of all layers]`.
    let uniform: Floats
    let columns: Int
    /// p.
    let rate: Float
    var scale: Float { 1 / (1 - rate) }

    /// - Parameters:
    ///   - units: what a layer gave for some rows.
    ///   - row: number of the first of these.
    ///   - place: that of the layer's first unit among all.
    func apply(to units: MatrixView, row: Int, place: Int) {
      let scale = scale
      for r in 0..<units.rows {
        let (u, h) = (uniform + (row + r) * columns + place, units.base + r * units.stride)
        for c in 0..<units.columns { h[c] = u[c] < rate ? 0 : h[c] * scale }
      }
    }

    /// What goes backward through units that stayed.
    func scale(_ gradient: MatrixView) {
      let scale = scale
      for r in 0..<gradient.rows {
        let d = gradient.base + r * gradient.stride
        for c in 0..<gradient.columns { d[c] *= scale }
      }
    }
  }

  /// Rows of a piece: a function of the shape alone, never of the threads. OpenBLAS packs its factors at
  /// each call, so pieces should be large; few members need smaller ones to keep several threads busy.
  var pieceRows: Int { members >= 6 || rows > 512 ? 256 : 128 }
  var pieces: Int { (rows + pieceRows - 1) / pieceRows }
  var tasks: Int { members * pieces }

  struct Piece {
    /// Place among the members that take part, and among all.
    let place: Int
    let member: Int
    let index: Int
    let rows: Range<Int>
  }

  func piece(_ task: Int) -> Piece {
    let (place, index) = (task / pieces, task % pieces)
    return Piece(
      place: place, member: list.map { Int($0[place]) } ?? place, index: index,
      rows: index * pieceRows..<min((index + 1) * pieceRows, rows))
  }

  /// First of a piece's numbers in memory with `width` for each row of each member.
  func start(_ piece: Piece, width: Int) -> Int {
    (piece.place * rows + piece.rows.lowerBound) * width
  }
}

/// One worker's memory for a piece, shared by all networks of an agent.
package final class Scratch: @unchecked Sendable {
  private(set) var pair: [FloatBuffer] = []
  private(set) var deltas: [FloatBuffer] = []
  private(set) var hidden = FloatBuffer(count: 0)
  private(set) var normal = FloatBuffer(count: 0)
  private(set) var inverse = FloatBuffer(count: 0)
  private(set) var gathered = FloatBuffer(count: 0)
  let column: FloatBuffer
  let index: UnsafeMutablePointer<Int32>
  static let pieceRows = 256

  package init() {
    column = FloatBuffer(count: Scratch.pieceRows)
    index = .allocate(capacity: Scratch.pieceRows)
    index.initialize(repeating: 0, count: Scratch.pieceRows)
    pair = [FloatBuffer(count: 0), FloatBuffer(count: 0)]
    deltas = pair
  }

  deinit { index.deallocate() }

  /// Makes room for networks of this layout.
  func reserve(widest: Int, hiddenWidth: Int, inputs: Int, layers: Int) {
    func grown(_ buffer: FloatBuffer, _ count: Int) -> FloatBuffer {
      buffer.count >= count ? buffer : FloatBuffer(count: count)
    }
    let rows = Scratch.pieceRows
    pair = pair.map { grown($0, rows * widest) }
    deltas = deltas.map { grown($0, rows * widest) }
    hidden = grown(hidden, rows * hiddenWidth)
    normal = grown(normal, rows * hiddenWidth)
    inverse = grown(inverse, rows * layers)
    gathered = grown(gathered, rows * inputs)
  }
}
