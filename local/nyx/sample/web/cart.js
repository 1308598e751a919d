// The cart of the shop's page.

export function show(cart, element) {
  element.innerHTML = "<b>" + cart.title + "</b>";
}

export function isEmpty(cart) {
  return cart.items.length === 0 ? true : false;
}

export function parse(text) {
  debugger;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw error;
  }
}

export function quantity(text) {
  const count = parseInt(text);
  if (count === NaN) {
    throw "not a number";
  }
  return count;
}
